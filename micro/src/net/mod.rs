//! Sockets.

pub(crate) mod interfaces;
