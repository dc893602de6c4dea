//! A registry, a selector and a codec for `micro`, in a crate that `micro` knows nothing of.
//!
//! A program links the plugins by naming the crate, and chooses among them as among those of `micro`:
//!
//! ```
//! use micro_example_plugin as _;
//! # micro::plugin::find::<dyn micro::Registry>("directory").unwrap();
//! # micro::plugin::find::<dyn micro::Selector>("least").unwrap();
//! ```
//!
//! ```text
//! $ directoryd 127.0.0.1:7420 &
//! $ greeter --registry=directory --registry_address=127.0.0.1:7420 --selector=least
//! ```
//!
//! - `directory`, a registry: nodes in a process of its own, [`directoryd`](directory::server); see [`Directory`].
//! - `least`, a selector: the node with the fewest calls in flight; see [`Least`].
//! - `cbor`, a codec: `application/cbor`, with the feature `codec`, for every message and without a word in the
//!   service.
//!
//! To write one of your own: a type with the trait, a constructor with `#[micro::plugin(…)]`, and in the tests one
//! line that runs the suite of its kind, such as `micro::conformance::registry!(make)`. Nothing else.

#[cfg(feature = "codec")]
mod cbor;
pub mod directory;
mod least;

#[cfg(feature = "codec")]
pub use cbor::Cbor;
pub use directory::Directory;
pub use least::Least;
