//! Errors of layers, as errors of calls.

use std::error::Error as StdError;

use crate::{Code, Error};

/// An error of ours as it is, wherever in the chain; of tower's own what they mean; any other with its text kept back.
pub(super) fn error(error: Box<dyn StdError + Send + Sync>) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(ours) => return *ours,
        Err(error) => error,
    };
    let mut causes = std::iter::successors(Some(&*error as &(dyn StdError + 'static)), |cause| (*cause).source());
    let meant = causes.find_map(|cause| cause.downcast_ref::<Error>().cloned().or_else(|| known(cause)));
    meant.unwrap_or_else(|| Error::internal("a layer around the call failed")).with_source(error)
}

/// What tower's errors say. They are known by their texts, so that nobody has to bring tower.
fn known(cause: &(dyn StdError + 'static)) -> Option<Error> {
    if cause.is::<tokio::time::error::Elapsed>() {
        return Some(Error::deadline_exceeded("the call took longer than a layer allows"));
    }
    match (&*format!("{cause:?}"), &*cause.to_string()) {
        ("Elapsed(())", "request timed out") => {
            Some(Error::deadline_exceeded("the call took longer than a layer allows"))
        }
        ("Overloaded", "service overloaded") => {
            let error = Error::new(Code::ResourceExhausted, "the service is overloaded, and sheds load");
            Some(error.with_status(503).unhandled())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ResultExt;

    #[derive(Debug)]
    struct Wrapped(Error);

    impl std::fmt::Display for Wrapped {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("wrapped")
        }
    }

    impl StdError for Wrapped {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn an_error_of_ours_is_found_in_the_chain() {
        let found = error(Box::new(Wrapped(Error::not_found("no such user").with_status(410))));
        assert_eq!((found.code(), found.status(), found.detail()), (Code::NotFound, 410, "no such user"));
        let plain = error(Box::new(Error::aborted("again")));
        assert_eq!(plain.code(), Code::Aborted);
    }

    #[test]
    fn the_text_of_another_error_is_for_logs() {
        let found = error("password=secret".into());
        assert_eq!((found.code(), found.detail()), (Code::Internal, "a layer around the call failed"));
        assert_eq!(found.source().unwrap().to_string(), "password=secret");
        let ours: Result<(), Error> = Err::<(), _>("x").or_code(Code::DataLoss, "y");
        assert_eq!(error(Box::new(ours.unwrap_err())).code(), Code::DataLoss);
    }
}
