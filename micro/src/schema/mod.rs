//! What a message looks like: its fields, their types and their docs, known when the program is compiled.

/// A message type as an endpoint's table has it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// The type's own name: `HelloRequest`.
    pub name: &'static str,
    /// The content types that it can travel in, the preferred one first.
    pub content_types: &'static [&'static str],
}

impl Described {
    /// A type of which only the name is known.
    pub const fn named(name: &'static str, content_types: &'static [&'static str]) -> Self {
        Self { name, content_types }
    }

    pub fn value(&self) -> crate::registry::Value {
        Default::default()
    }
}
