//! The headers of a call or an event.

use std::fmt;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::{Error, Result};

/// Names and values that travel beside a message: a tenant, a trace, a token.
///
/// Names are those of HTTP headers and do not tell upper from lower case; a name has one value. An empty `Metadata`
/// allocates nothing.
#[derive(Clone, Default)]
pub struct Metadata {
    /// Behind a pointer, as requests and responses are moved often, and most have none; shared, as each subscriber of an
    /// event has a copy.
    headers: Option<Arc<HeaderMap>>,
}

impl Metadata {
    /// No metadata.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a name. Values that are not UTF-8 are not shown.
    pub fn get(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.headers.as_ref()?.get(name)?.as_bytes()).ok()
    }

    /// Sets the value of a name.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`](crate::Code::InvalidArgument) when the name is no header name (letters, digits and
    /// `-_.` are) or the value has a line end or another control character.
    pub fn insert(&mut self, name: &str, value: &str) -> Result<()> {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
            Error::invalid_argument(format!("metadata name {name:?}: use letters, digits, `-`, `_` or `.`"))
        })?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
            Error::invalid_argument(format!("metadata `{name}`: a value has no line ends or control characters"))
        })?;
        let full = |_| Error::invalid_argument("too many metadata entries: 24,576 are the limit");
        Arc::make_mut(self.headers.get_or_insert_default()).try_insert(name, value).map_err(full)?;
        Ok(())
    }

    /// Takes a name out.
    pub fn remove(&mut self, name: &str) {
        if let Some(headers) = &mut self.headers {
            Arc::make_mut(headers).remove(name);
        }
    }

    /// Whether there is a value for the name.
    pub fn contains(&self, name: &str) -> bool {
        self.headers.as_ref().is_some_and(|headers| headers.contains_key(name))
    }

    /// As [`get`](Self::get), of a name that needs no reading.
    pub(crate) fn value(&self, name: &HeaderName) -> Option<&str> {
        std::str::from_utf8(self.headers.as_ref()?.get(name)?.as_bytes()).ok()
    }

    /// As [`contains`](Self::contains), of a name that needs no reading.
    pub(crate) fn has(&self, name: &HeaderName) -> bool {
        self.headers.as_ref().is_some_and(|headers| headers.contains_key(name))
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.headers.as_ref().map_or(0, |headers| headers.keys_len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All names, in lower case and in no order, with their values; those that are not UTF-8 are left out.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        // A name that came twice shows its first value only, as in Go Micro.
        self.names().filter_map(|name| Some((name.as_str(), self.get(name.as_str())?)))
    }

    /// A name as Go Micro writes it: `micro-trace-id` is `Micro-Trace-Id`.
    pub fn canonical(name: &str) -> String {
        let mut start = true;
        let spell = |c: char| match std::mem::replace(&mut start, c == '-') {
            true => c.to_ascii_uppercase(),
            false => c.to_ascii_lowercase(),
        };
        name.chars().map(spell).collect()
    }

    /// The headers themselves, for transports that speak HTTP.
    #[cfg(feature = "http")]
    pub(crate) fn headers(&self) -> Option<&HeaderMap> {
        self.headers.as_deref()
    }

    #[cfg(feature = "http")]
    pub(crate) fn into_headers(self) -> HeaderMap {
        self.headers.map(Arc::unwrap_or_clone).unwrap_or_default()
    }

    fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.headers.iter().flat_map(|headers| headers.keys())
    }
}

impl From<HeaderMap> for Metadata {
    fn from(headers: HeaderMap) -> Self {
        Self { headers: (!headers.is_empty()).then(|| Arc::new(headers)) }
    }
}

impl PartialEq for Metadata {
    fn eq(&self, other: &Self) -> bool {
        match (&self.headers, &other.headers) {
            (Some(headers), Some(other)) => headers == other,
            _ => self.is_empty() && other.is_empty(),
        }
    }
}

impl Eq for Metadata {}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be tokens and passwords: names only.
        f.debug_set().entries(self.names().map(HeaderName::as_str)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_tell_case() {
        let mut metadata = Metadata::new();
        metadata.insert("Tenant", "acme").unwrap();
        metadata.insert("tenant", "other").unwrap();
        assert_eq!(metadata.get("TENANT"), Some("other"));
        assert_eq!(metadata.len(), 1);
        metadata.remove("tenant");
        assert_eq!((metadata.len(), metadata.iter().count()), (0, 0));
        assert_eq!(metadata, Metadata::new());
        assert_eq!(Metadata::canonical("micro-trace-ID"), "Micro-Trace-Id");
    }

    #[test]
    fn what_would_break_a_header_is_refused() {
        let mut metadata = Metadata::new();
        assert!(metadata.insert("a b", "x").is_err());
        assert!(metadata.insert("", "x").is_err());
        assert!(metadata.insert("a", "x\r\ny: z").is_err());
        metadata.insert("a", "é").unwrap();
        assert_eq!(metadata.get("a"), Some("é"));
    }
}
