//! What `#[micro::main]` calls.

use std::error::Error as _;
use std::future::Future;
use std::process::ExitCode;

use crate::__private::IntoError;
use crate::Error;

/// What a `main` may return.
#[diagnostic::on_unimplemented(
    message = "`main` returns `Result<()>` or nothing, not `{Self}`",
    label = "nobody would see this"
)]
pub trait Outcome {
    /// The error, if it is one.
    fn error(self) -> Option<Error>;
}

impl Outcome for () {
    fn error(self) -> Option<Error> {
        None
    }
}

impl<E: IntoError> Outcome for Result<(), E> {
    fn error(self) -> Option<Error> {
        self.err().map(IntoError::into_error)
    }
}

/// Runs a program: starts the runtime and the log, prints an error with its causes, and says how it ended: 0, 2 for a
/// wrong command line, 1 for anything else.
pub fn main<F: Future<Output: Outcome>>(program: impl FnOnce() -> F) -> ExitCode {
    #[cfg(feature = "flags")]
    if let Err(error) = super::log::install() {
        return report(&error);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(&Error::internal("cannot start the runtime").with_source(error)),
    };
    let error = runtime.block_on(async { program().await }).error();
    // A blocking task that hangs must not keep the process.
    runtime.shutdown_background();
    error.map_or(ExitCode::SUCCESS, |error| report(&error))
}

fn report(error: &Error) -> ExitCode {
    eprintln!("error: {error}");
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Wrapped errors often say again what their wrapper has said.
        if !said.contains(&text) {
            eprintln!("  caused by: {text}");
        }
        said = text;
        cause = error.source();
    }
    ExitCode::from(if error.is_usage() { 2 } else { 1 })
}
