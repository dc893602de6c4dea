//! A bound on the time of a call.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Next;
use super::stack::{Around, layer, until};
use crate::{Body, Code, Error, Request, Response, units};

/// Ends calls that take longer than they may with [`Code::DeadlineExceeded`]: all of the exchange, a stream up to its end.
///
/// It shortens the [deadline](Request::deadline) of the request, so that the handler, and the calls that it makes, know
/// of it. A caller that waits less long stays as it is.
#[derive(Clone, Debug)]
pub struct Timeout {
    limit: Duration,
}

impl Timeout {
    /// Calls may take this long.
    pub fn new(limit: Duration) -> Self {
        Self { limit }
    }

    fn late(limit: Duration) -> Error {
        Error::deadline_exceeded(format!("the call took longer than {}", units::show_duration(limit)))
    }
}

impl Around for Timeout {
    fn around(&self, mut request: Request, next: &Next) -> BoxFuture<'static, Response> {
        let limit = self.limit;
        let deadline = Instant::now().checked_add(limit);
        let Some(deadline) = deadline.filter(|own| request.deadline.is_none_or(|theirs| *own < theirs)) else {
            return next.run(request);
        };
        request.deadline = Some(deadline);
        let work = next.run(request);
        Box::pin(async move {
            let Ok(mut response) = timeout_at(deadline, work).await else {
                return Response::error(Self::late(limit));
            };
            response.result = match response.result {
                Ok(Body::Stream(messages)) => {
                    let end = Box::pin(async move {
                        sleep_until(deadline).await;
                        Self::late(limit)
                    });
                    Ok(Body::Stream(until(messages, end)))
                }
                // Whoever is inside saw the same deadline and may be first to say so; this says whose it was.
                Err(error) if error.code() == Code::DeadlineExceeded && Instant::now() >= deadline => {
                    Err(Self::late(limit))
                }
                result => result,
            };
            response
        })
    }
}

layer!(Timeout);
