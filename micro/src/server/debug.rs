//! The endpoints that every service has: `Debug.Health`, `Debug.Stats` and `Debug.Describe`.
