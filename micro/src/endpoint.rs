//! What an endpoint is: its name, its kind, its types and its policy, known when the program is compiled.

use std::time::Duration;

use crate::percent;
use crate::schema::Described;

/// An endpoint as `#[handler]` describes it. `#[micro::service]` makes a constant table of them.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// The wire name: `Greeter.Hello`.
    pub name: &'static str,
    /// How many messages travel each way.
    pub kind: Kind,
    /// The message that callers send.
    pub request: Described,
    /// The message that they get.
    pub response: Described,
    /// What the endpoint says of itself to callers.
    pub policy: Policy,
    /// The route of `http = "GET /v1/hello/{name}"`.
    pub http: Option<Route>,
    /// The doc comment of the method, lines joined.
    pub docs: &'static str,
    /// Whether the method is `#[deprecated]`.
    pub deprecated: bool,
    /// The pairs of `metadata(k = "v")`.
    pub metadata: &'static [(&'static str, &'static str)],
}

impl Definition {
    /// An endpoint that takes one message and answers with one. What is not said here has a method of its own.
    pub const fn unary(name: &'static str, request: Described, response: Described) -> Self {
        Self {
            name,
            kind: Kind::Unary,
            request,
            response,
            policy: Policy::NONE,
            http: None,
            docs: "",
            deprecated: false,
            metadata: &[],
        }
    }

    /// As one of another kind.
    pub const fn with_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// With a policy.
    pub const fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// With a route.
    pub const fn with_http(mut self, route: Route) -> Self {
        self.http = Some(route);
        self
    }

    /// With the docs of the method.
    pub const fn with_docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }

    /// As a deprecated one.
    pub const fn with_deprecated(mut self) -> Self {
        self.deprecated = true;
        self
    }

    /// With metadata.
    pub const fn with_metadata(mut self, metadata: &'static [(&'static str, &'static str)]) -> Self {
        self.metadata = metadata;
        self
    }

    /// The content types that both of its messages have, the preferred one first.
    pub fn content_types(&self) -> impl Iterator<Item = &'static str> + use<> {
        let response = self.response.content_types;
        self.request.content_types.iter().copied().filter(move |name| response.contains(name))
    }
}

/// How many messages travel each way.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One request, one reply.
    Unary,
    /// One request, many replies.
    ServerStream,
    /// Many requests, one reply.
    ClientStream,
    /// Many both ways, each at its own pace.
    BothStream,
}

impl Kind {
    /// Whether the caller sends many messages.
    pub const fn streams_requests(self) -> bool {
        matches!(self, Kind::ClientStream | Kind::BothStream)
    }

    /// Whether the handler answers with many.
    pub const fn streams_replies(self) -> bool {
        matches!(self, Kind::ServerStream | Kind::BothStream)
    }

    /// Whether there are many messages either way.
    pub const fn is_stream(self) -> bool {
        !matches!(self, Kind::Unary)
    }

    /// What people call it: `unary`, `server stream`, `client stream`, `stream both ways`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Unary => "unary",
            Kind::ServerStream => "server stream",
            Kind::ClientStream => "client stream",
            Kind::BothStream => "stream both ways",
        }
    }
}

/// What an endpoint says of itself; it travels through the registry, and clients obey it without configuration.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// How long a call may take, all attempts together, where the caller says nothing.
    pub timeout: Option<Duration>,
    /// Whether handling a request twice is the same as once, so that a client may try again at any stage.
    pub idempotent: bool,
    /// How often a client tries again, where the caller says nothing.
    pub retries: Option<u32>,
}

impl Policy {
    /// Nothing said.
    pub const NONE: Self = Self { timeout: None, idempotent: false, retries: None };

    /// With a timeout.
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// As idempotent, or not.
    pub const fn with_idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = idempotent;
        self
    }

    /// With a number of retries.
    pub const fn with_retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }
}

/// A route of plain HTTP: `GET /v1/hello/{name}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method, in upper case.
    pub method: &'static str,
    /// The path, with its variables in braces.
    pub path: &'static str,
}

impl Route {
    /// The parts of the path between its slashes; none of `/`.
    pub fn segments(&self) -> impl Iterator<Item = Segment> + use<> {
        let parts = self.path.split('/').filter(|part| !part.is_empty());
        parts.map(|part| match part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => Segment::Variable(name),
            None => Segment::Literal(part),
        })
    }

    /// The names in braces, in order.
    pub fn variables(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.segments().filter_map(|segment| match segment {
            Segment::Variable(name) => Some(name),
            Segment::Literal(_) => None,
        })
    }

    /// Whether nothing tells which of the two a request is for: one method, and a path that fits both equally well.
    ///
    /// A literal part fits better than a variable, so `/users/me` and `/users/{id}` do not overlap.
    pub fn overlaps(&self, other: &Route) -> bool {
        let same = |(one, other): (Segment, Segment)| match (one, other) {
            (Segment::Variable(_), Segment::Variable(_)) => true,
            (Segment::Literal(one), Segment::Literal(other)) => percent::decode(one) == percent::decode(other),
            _ => false,
        };
        self.method == other.method
            && self.segments().count() == other.segments().count()
            && self.segments().zip(other.segments()).all(same)
    }
}

impl std::fmt::Display for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// A part of the path of a [`Route`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Itself; it may be percent-encoded.
    Literal(&'static str),
    /// Anything that is not empty, for the field of this name.
    Variable(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_overlap_when_nothing_tells_them_apart() {
        let overlap = |one: (&'static str, &'static str), other: (&'static str, &'static str)| {
            let route = |(method, path)| Route { method, path };
            assert_eq!(route(one).overlaps(&route(other)), route(other).overlaps(&route(one)));
            route(one).overlaps(&route(other))
        };
        assert!(overlap(("GET", "/a/{x}"), ("GET", "/a/{y}")));
        assert!(overlap(("GET", "/"), ("GET", "/")));
        assert!(overlap(("GET", "/a%20b"), ("GET", "/%61%20b")));
        assert!(!overlap(("GET", "/a/{x}"), ("PUT", "/a/{x}")));
        assert!(!overlap(("GET", "/a/{x}"), ("GET", "/a/b")));
        assert!(!overlap(("GET", "/a/{x}"), ("GET", "/{x}/a")));
        assert!(!overlap(("GET", "/a/{x}"), ("GET", "/a/{x}/b")));
    }
}
