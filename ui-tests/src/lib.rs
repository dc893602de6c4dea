//! What compiles and what does not.
//!
//! `pass/` holds programs that build without a warning and run; `fail/` holds mistakes, one a file, each beside the
//! exact output of the compiler that `.ci/run` has. Write new outputs with
//! `TRYBUILD=overwrite cargo test -p ui-tests --test cases`, and read the difference.

/// A module under every lint that our users may switch on; `cargo clippy` looks at it.
pub mod strict;
