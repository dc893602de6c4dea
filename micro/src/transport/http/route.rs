//! Routes such as `GET /v1/hello/{name}`: which one a request is for, and what its URL says of the message.

use http::{HeaderValue, Method};

use crate::endpoint::{Definition, Route, Segment};
use crate::schema::{Described, Fill, Origin};
use crate::{Bytes, Error, Result, percent};

/// The routes of a server, as a tree of the parts of their paths. Built once; a look-up allocates the list of variables
/// and nothing else.
#[derive(Debug, Default)]
pub(super) struct Routes {
    root: Node,
    list: Vec<Route>,
}

#[derive(Debug, Default)]
struct Node {
    literals: Vec<(Vec<u8>, Node)>,
    variable: Option<Box<Node>>,
    served: Vec<Served>,
}

/// A route and what it leads to.
#[derive(Debug)]
struct Served {
    method: Method,
    definition: &'static Definition,
}

/// The order in which `Allow` lists methods.
const METHODS: [Method; 6] = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

impl Routes {
    pub(super) fn new(endpoints: &[&'static Definition]) -> Self {
        let mut routes = Self::default();
        for definition in endpoints {
            let Some(route) = definition.http else { continue };
            let Ok(method) = Method::from_bytes(route.method.as_bytes()) else { continue };
            let mut node = &mut routes.root;
            for segment in route.segments() {
                node = match segment {
                    Segment::Variable(_) => node.variable.get_or_insert_default(),
                    Segment::Literal(part) => {
                        let part = percent::decode(part).unwrap_or(part.as_bytes().into()).into_owned();
                        let at = node.literals.iter().position(|(known, _)| *known == part);
                        let at = at.unwrap_or_else(|| {
                            node.literals.push((part, Node::default()));
                            node.literals.len() - 1
                        });
                        &mut node.literals[at].1
                    }
                };
            }
            node.served.push(Served { method, definition });
            routes.list.push(route);
        }
        routes
    }

    /// The endpoint that a request is for, and the text of its variables in the order of the route.
    ///
    /// A literal part beats a variable, from left to right. A slash at the end does not matter.
    pub(super) fn find<'p>(&self, method: &Method, path: &'p str) -> Option<(&'static Definition, Vec<&'p str>)> {
        // Who reads may also ask for the head alone.
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        let mut variables = Vec::new();
        let mut found = None;
        self.root.walk(inner(path)?, &mut variables, &mut |node| {
            found = node.served.iter().find(|served| served.method == *method);
            found.is_some()
        });
        found.map(|served| (served.definition, variables))
    }

    /// All of them, sorted by the names of their endpoints.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.list.iter()
    }

    /// The methods of a path, as `Allow` lists them; `also` is one more. Empty where nothing is served.
    pub(super) fn allowed(&self, path: &str, also: Option<Method>) -> String {
        let mut methods = Vec::from_iter(also);
        if let Some(path) = inner(path) {
            self.root.walk(path, &mut Vec::new(), &mut |node| {
                methods.extend(node.served.iter().map(|served| served.method.clone()));
                false
            });
        }
        if methods.contains(&Method::GET) {
            methods.push(Method::HEAD);
        }
        let methods: Vec<_> = METHODS.iter().filter(|method| methods.contains(method)).map(Method::as_str).collect();
        methods.join(", ")
    }
}

/// The path without the slash at its beginning, and the one at its end.
fn inner(path: &str) -> Option<&str> {
    let path = path.strip_prefix('/')?;
    match path.strip_suffix('/') {
        Some("") => None,
        inner => Some(inner.unwrap_or(path)),
    }
}

impl Node {
    /// Goes to all nodes that the path fits, the best first, until one says that it is enough.
    fn walk<'r, 'p>(
        &'r self,
        path: &'p str,
        variables: &mut Vec<&'p str>,
        enough: &mut impl FnMut(&'r Node) -> bool,
    ) -> bool {
        if path.is_empty() {
            return enough(self);
        }
        let (segment, rest) = match path.split_once('/') {
            // What follows is no end yet: `/a/` came in as `/a`.
            Some((_, "")) | Some(("", _)) => return false,
            Some(parts) => parts,
            None => (path, ""),
        };
        if !self.literals.is_empty() {
            if let Some(decoded) = percent::decode(segment) {
                let literal = self.literals.iter().find(|(literal, _)| **literal == *decoded);
                if literal.is_some_and(|(_, node)| node.walk(rest, variables, enough)) {
                    return true;
                }
            }
        }
        let Some(node) = &self.variable else { return false };
        variables.push(segment);
        let found = node.walk(rest, variables, enough);
        if !found {
            variables.pop();
        }
        found
    }
}

/// What the URL of a request says of its message.
///
/// # Errors
/// A [bad request](Error::bad_request).
pub(super) fn read(definition: &Definition, variables: &[&str], query: Option<&str>) -> Result<Fill> {
    let mut fill = Fill::new(definition.request);
    let names = definition.http.iter().flat_map(|route| route.variables());
    for (name, text) in names.zip(variables) {
        let value = percent::decode(text).ok_or_else(|| undecodable(Origin::Path, text))?;
        fill.set(name, &value, Origin::Path)?;
    }
    read_query(&mut fill, query)?;
    Ok(fill)
}

fn read_query(fill: &mut Fill, query: Option<&str>) -> Result<()> {
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let bad = || undecodable(Origin::Query, pair);
        let name = percent::decode_form(name).ok_or_else(bad)?;
        let name = std::str::from_utf8(&name).map_err(|_| bad())?;
        fill.set(name, &percent::decode_form(value).ok_or_else(bad)?, Origin::Query)?;
    }
    Ok(())
}

/// The JSON of a message out of a query and a body.
///
/// # Errors
/// A [bad request](Error::bad_request).
pub fn message(message: Described, query: &str, body: Bytes) -> Result<Bytes> {
    let mut fill = Fill::new(message);
    read_query(&mut fill, Some(query))?;
    fill.finish(body)
}

fn undecodable(origin: Origin, text: &str) -> Error {
    let text: String = text.chars().take(100).collect();
    Error::bad_request(format!("bad {origin}: \"{text}\" is no percent-encoded UTF-8; a `%` itself is `%25`"))
        .unhandled()
}

/// A list of methods as the value of `Allow`.
pub(super) fn allow(methods: &str) -> HeaderValue {
    HeaderValue::from_str(methods).expect("the names of methods are ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(list: &[(&'static str, &'static str, &'static str)]) -> Routes {
        let definitions: Vec<&'static Definition> = list
            .iter()
            .map(|&(name, method, path)| {
                let definition = Definition::unary(name, Described::named("Any", &[]), Described::nothing());
                &*Box::leak(Box::new(definition.with_http(Route { method, path })))
            })
            .collect();
        Routes::new(&definitions)
    }

    fn find<'p>(routes: &Routes, method: Method, path: &'p str) -> Option<(&'static str, Vec<&'p str>)> {
        routes.find(&method, path).map(|(definition, variables)| (definition.name, variables))
    }

    #[test]
    fn a_literal_beats_a_variable_where_the_whole_path_fits() {
        let routes = routes(&[
            ("Root", "GET", "/"),
            ("User", "GET", "/users/{id}"),
            ("Me", "GET", "/users/me"),
            ("Rename", "PUT", "/users/{id}"),
            ("Posts", "GET", "/users/{id}/posts"),
            ("Deep", "GET", "/users/me/posts/{post}"),
            ("Spaced", "GET", "/a%20b"),
        ]);
        let get = |path| find(&routes, Method::GET, path);
        assert_eq!(get("/"), Some(("Root", vec![])));
        assert_eq!(get("/users/me"), Some(("Me", vec![])));
        assert_eq!(get("/users/%6de"), Some(("Me", vec![])));
        assert_eq!(get("/users/you/"), Some(("User", vec!["you"])));
        assert_eq!(get("/users/me/posts"), Some(("Posts", vec!["me"])));
        assert_eq!(get("/users/me/posts/7"), Some(("Deep", vec!["7"])));
        assert_eq!(get("/a%20b"), Some(("Spaced", vec![])));
        assert_eq!(find(&routes, Method::HEAD, "/users/1"), Some(("User", vec!["1"])));
        assert_eq!(find(&routes, Method::PUT, "/users/me"), Some(("Rename", vec!["me"])));
        for none in ["", "*", "//", "/users", "/users/", "/users//", "//users/1", "/users//posts", "/users/1//", "/x"] {
            assert_eq!(get(none), None, "{none}");
        }
        assert_eq!(routes.allowed("/users/me", None), "GET, HEAD, PUT");
        assert_eq!(routes.allowed("/users/me/posts", Some(Method::POST)), "GET, HEAD, POST");
        assert_eq!(routes.allowed("/x", None), "");
    }
}
