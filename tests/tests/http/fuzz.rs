//! Bytes of peers, changed and made up: what the decoders of heads and frames make of them, and that the search finds
//! mistakes.

use std::borrow::Cow;
use std::time::Duration;

use micro::__private::http::{Frames, decode, decode_form, is_host, message, nanoseconds, value};
use micro::schema::{Described, Schema};
use micro::{Bytes, Code, Error};
use serde_json::Value;
use tests::fuzz::{fuzz, search};
use tests::h2;

/// How long the search for a planted mistake may take.
const SEARCH: Duration = Duration::from_secs(30);

fn seeds(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn finds(seeds: &[Vec<u8>], what: &str, run: impl Fn(&[u8]) -> Result<(), String>) {
    assert!(search(seeds, SEARCH, run).is_err(), "the search does not find: {what}");
}

fn hosts() -> Vec<Vec<u8>> {
    seeds(&["localhost:8080", "127.0.0.1:40663", "[::1]:80", "[fe80::1]", "greeter.example.com", "x%20y", ""])
}

/// A host holds nothing that would end it inside of a URL or a head, and its port is a number.
fn a_host_is_a_host(is_host: impl Fn(&[u8]) -> bool, text: &[u8]) -> Result<(), String> {
    if !is_host(text) {
        return Ok(());
    }
    if let Some(bad) = text.iter().find(|byte| !byte.is_ascii_graphic() || b"/?#@\\\"<>^`{|}".contains(byte)) {
        return Err(format!("{:?} is in a host", char::from(*bad)));
    }
    let after = text.iter().rposition(|byte| *byte == b']').map_or(0, |at| at + 1);
    let mut parts = text[after..].splitn(2, |byte| *byte == b':').skip(1);
    match parts.next() {
        Some(port) if !port.iter().all(u8::is_ascii_digit) => Err("the port is no number".into()),
        _ => Ok(()),
    }
}

#[test]
fn hosts_of_any_bytes_are_told_from_others() {
    fuzz(&hosts(), |text| a_host_is_a_host(is_host, text));
    finds(&hosts(), "a port of letters", |text| {
        a_host_is_a_host(|text| text.iter().all(|byte| byte.is_ascii_alphanumeric() || b".:-".contains(byte)), text)
    });
    finds(&hosts(), "brackets around anything", |text| {
        a_host_is_a_host(|text| is_host(text) || (text.starts_with(b"[") && text.ends_with(b"]")), text)
    });
}

/// The same as what the standard library reads, of text that has digits only.
fn nanoseconds_are_decimal(read: impl Fn(&[u8]) -> Option<Duration>, text: &[u8]) -> Result<(), String> {
    let digits = text.len() <= 20 && text.iter().all(u8::is_ascii_digit);
    let expected = std::str::from_utf8(text).ok().filter(|_| digits).and_then(|text| text.parse().ok());
    let found = read(text);
    if found == expected.map(Duration::from_nanos) { Ok(()) } else { Err(format!("{found:?} of {expected:?}")) }
}

#[test]
fn timeouts_of_any_bytes_are_numbers_or_none() {
    let seeds =
        seeds(&["5000000000", "0", "18446744073709551615", "18446744073709551616", "-1", "5s", "00000000000000000000"]);
    fuzz(&seeds, |text| nanoseconds_are_decimal(nanoseconds, text));
    let wraps = |text: &[u8]| {
        let digit = |sum: u64, byte: &u8| {
            byte.is_ascii_digit().then(|| sum.wrapping_mul(10).wrapping_add(u64::from(byte - b'0')))
        };
        text.iter().try_fold(0, digit).filter(|_| !text.is_empty() && text.len() <= 20).map(Duration::from_nanos)
    };
    finds(&seeds, "an overflow", |text| nanoseconds_are_decimal(wraps, text));
}

/// Whatever an error says becomes the value of one header: no byte of it can end the line.
fn text_is_one_value(value: impl Fn(String) -> Vec<u8>, bytes: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let made = value(text.clone());
    match made.iter().find(|byte| (**byte < b' ' && **byte != b'\t') || **byte == 0x7f) {
        Some(bad) => Err(format!("{bad:#x} in a header")),
        None if made.len() != text.len() => Err("it is longer or shorter".into()),
        None => Ok(()),
    }
}

#[test]
fn errors_of_any_text_are_values_of_headers() {
    let seeds = seeds(&[
        "rpc: can't find service Nope",
        "line1\nline2 <b>&\"é",
        "{\"id\":\"x\",\"code\":400}\r\n\r\n",
        "\u{7f}\0",
    ]);
    fuzz(&seeds, |bytes| text_is_one_value(|text| value(text).as_bytes().to_vec(), bytes));
    finds(&seeds, "only line ends replaced", |bytes| {
        text_is_one_value(|text| text.replace(['\r', '\n'], " ").into_bytes(), bytes)
    });
}

/// An error that was read and written again says the same.
fn errors_come_back(write: impl Fn(&Error) -> String, bytes: &[u8]) -> Result<(), String> {
    let read = Error::from_micro(&String::from_utf8_lossy(bytes));
    if read.code() == Code::Unknown && read.id().is_empty() && read.status() == 500 {
        return Ok(()); // plain text, in whatever form it came
    }
    let text = write(&read);
    let again = Error::from_micro(&text);
    let parts = |error: &Error| (error.status(), error.id().to_owned(), error.detail().to_owned());
    if parts(&read) == parts(&again) { Ok(()) } else { Err(format!("{:?} became {:?}", parts(&read), parts(&again))) }
}

#[test]
fn errors_of_any_bytes_are_read() {
    let seeds = seeds(&[
        r#"{"id":"greeter.say","code":400,"detail":"bad name: John","status":"Bad Request"}"#,
        r#"{"id":"greeter.say","code":500,"detail":"line1\nline2 \u003cb\u003e\u0026\"é","status":"Internal Server Error"}"#,
        r#"{"code":-1}"#,
        r#"{"code":99999999999,"detail":"x"}"#,
        r#"{"errors":[{"code":404}]}"#,
        "rpc: can't find service Nope",
        "{}",
    ]);
    fuzz(&seeds, |bytes| errors_come_back(|error| error.to_micro(""), bytes));
    finds(&seeds, "quotes that are not escaped", |bytes| {
        errors_come_back(
            |error| {
                format!("{{\"id\":\"{}\",\"code\":{},\"detail\":\"{}\"}}", error.id(), error.status(), error.detail())
            },
            bytes,
        )
    });
}

/// Follows frames in pieces, or does not.
trait Follow {
    fn follow(&mut self, bytes: &[u8]) -> bool;
    fn is_partial(&self) -> bool;
}

impl Follow for Frames {
    fn follow(&mut self, bytes: &[u8]) -> bool {
        Frames::follow(self, bytes).is_ok()
    }

    fn is_partial(&self) -> bool {
        Frames::is_partial(self)
    }
}

/// Forgets the half of a frame's head at the end of a piece.
struct Forgets(Frames);

impl Follow for Forgets {
    fn follow(&mut self, bytes: &[u8]) -> bool {
        let whole = bytes.len() / 9 * 9;
        Frames::follow(&mut self.0, &bytes[..whole]).is_ok()
    }

    fn is_partial(&self) -> bool {
        Frames::is_partial(&self.0)
    }
}

/// The pieces in which bytes come do not matter, and what is inside of a frame is no frame.
fn pieces_do_not_matter<F: Follow>(new: impl Fn() -> F, bytes: &[u8]) -> Result<(), String> {
    let (mut whole, mut pieces) = (new(), new());
    let calm = whole.follow(h2::PREFACE) && whole.follow(bytes);
    let mut calm_in_pieces = pieces.follow(h2::PREFACE);
    for piece in bytes.chunks(usize::from(bytes.first().copied().unwrap_or(0) % 7) + 1) {
        calm_in_pieces &= pieces.follow(piece);
    }
    if !calm {
        return Ok(()); // a flood, which ends the connection
    }
    if !calm_in_pieces || whole.is_partial() != pieces.is_partial() {
        return Err("the pieces matter".into());
    }
    // A model of it: jump from head to head.
    let (mut rest, mut open) = (bytes, false);
    while rest.len() >= 9 {
        let length = usize::from(rest[0]) << 16 | usize::from(rest[1]) << 8 | usize::from(rest[2]);
        if rest[3] == h2::HEADERS || rest[3] == h2::CONTINUATION {
            open = rest[4] & h2::END_HEADERS == 0;
        }
        match rest.get(9 + length..) {
            Some(after) => rest = after,
            None => {
                open = true;
                rest = &[];
            }
        }
    }
    let expected = open || !rest.is_empty();
    if whole.is_partial() != expected { Err(format!("partial: {} of {expected}", !expected)) } else { Ok(()) }
}

#[test]
fn frames_of_any_bytes_are_followed() {
    let call = h2::request(1, "/Say/Hello", b"{\"name\":\"John\"}");
    let open = [h2::frame(h2::HEADERS, 0, 1, &h2::post("/")), h2::frame(h2::CONTINUATION, h2::END_HEADERS, 1, &[0; 9])];
    let control = [h2::frame(h2::SETTINGS, 0, 0, &[0; 6]), h2::frame(h2::PING, 0, 0, &[7; 8])];
    let seeds = [call, open.concat(), control.concat()];
    fuzz(&seeds, |bytes| pieces_do_not_matter(Frames::new, bytes));
    finds(&seeds, "half of a head forgotten", |bytes| pieces_do_not_matter(|| Forgets(Frames::new()), bytes));
}

/// As the text says, read in another way: what is before the first `%`, and then two digits at the head of each piece.
fn percent_is_decoded(decode: impl Fn(&str) -> Option<Vec<u8>>, plus: &str, bytes: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes);
    let text_with_spaces = text.replace('+', plus);
    let mut pieces = text_with_spaces.split('%');
    let mut expected = pieces.next().map(|first| first.as_bytes().to_vec());
    for piece in pieces {
        let code = piece.get(..2).filter(|code| code.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let code = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        expected = expected.zip(code).map(|(mut all, code)| {
            all.push(code);
            all.extend_from_slice(&piece.as_bytes()[2..]);
            all
        });
    }
    let found = decode(&text);
    if found == expected { Ok(()) } else { Err(format!("{found:?} of {expected:?}")) }
}

#[test]
fn percent_encoding_of_any_bytes_is_decoded_or_refused() {
    let seeds = seeds(&["/v1/hello/J%C3%B6rg", "a%2Fb%2fc+d", "a=b&c=%25+x", "100%", "%zz%4", "%2525", "%+1%-1"]);
    let path = |text: &str| decode(text).map(Cow::into_owned);
    let form = |text: &str| decode_form(text).map(Cow::into_owned);
    fuzz(&seeds, |bytes| percent_is_decoded(path, "+", bytes));
    fuzz(&seeds, |bytes| percent_is_decoded(form, " ", bytes));
    finds(&seeds, "a plus in a path that becomes a space", |bytes| percent_is_decoded(form, "+", bytes));
    let twice = |text: &str| path(text).and_then(|once| path(&String::from_utf8_lossy(&once)));
    finds(&seeds, "what is decoded twice", |bytes| percent_is_decoded(twice, "+", bytes));
    let signs = |text: &str| path(&text.replace("%+", "%0").replace("%-", "%0"));
    finds(&seeds, "a sign that is taken for a digit", |bytes| percent_is_decoded(signs, "+", bytes));
}

/// With fields of every kind that a query fills.
#[micro::message]
struct Search {
    text: String,
    #[serde(rename = "pageNumber")]
    page: u8,
    near: Option<Place>,
    tags: Vec<String>,
    labels: std::collections::BTreeMap<String, i32>,
    exact: bool,
    any: Value,
    inner: Option<Box<Search>>,
}

#[micro::message]
struct Place {
    lat: f64,
}

/// A query and a body, with a line end between them, are one JSON object that has all of the body, and the text.
fn a_query_and_a_body_are_one_object(
    message: impl Fn(&str, Bytes) -> Result<Bytes, Error>,
    bytes: &[u8],
) -> Result<(), String> {
    let at = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let query = String::from_utf8_lossy(&bytes[..at]);
    let body = bytes.get(at + 1..).unwrap_or_default();
    let made = match message(&query, Bytes::copy_from_slice(body)) {
        Ok(made) => made,
        Err(error) if error.status() == 400 && !error.detail().is_empty() => return Ok(()),
        Err(error) => return Err(format!("no bad request: {error:?}")),
    };
    if query.split('&').all(str::is_empty) {
        return if made == body { Ok(()) } else { Err("a body without a query was changed".into()) };
    }
    let body: serde_json::Map<String, Value> = match body.trim_ascii() {
        b"" => serde_json::Map::new(),
        body => match serde_json::from_slice(body) {
            Ok(body) => body,
            // What is inside of a value is for the message's own decoder, which reads it next.
            Err(_) => match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
                Ok(_) => return Ok(()),
                Err(error) => return Err(format!("a broken body was taken: {error}")),
            },
        },
    };
    let made: Value = serde_json::from_slice(&made).map_err(|error| error.to_string())?;
    let Value::Object(made) = made else { return Err("no object".into()) };
    if body.iter().any(|(key, value)| made.get(key) != Some(value)) {
        return Err("a field of the body is another now".into());
    }
    for text in query.split('&').filter_map(|pair| pair.strip_prefix("text=")) {
        let expected = decode_form(text).map(|text| String::from_utf8_lossy(&text).into_owned());
        if made.get("text").and_then(Value::as_str) != expected.as_deref() {
            return Err(format!("{:?} of {expected:?}", made.get("text")));
        }
    }
    Ok(())
}

#[test]
fn queries_and_bodies_of_any_bytes_are_messages_or_refused() {
    let seeds = seeds(&[
        "text=a+b%22c&page=7&near.lat=1.5&tags=x&tags=y\n{\"exact\":true}",
        "labels.a=1&labels.b=-2&any.b=1&exact=false\n { } ",
        "inner.inner.text=x&inner.pageNumber=3\n",
        "text=x\n{\"text\":\"x\",\"more\":[1,{\"a\":null}]}\n",
        "&&\n[1]",
        "text=\\&any=1e5\n{}",
        "",
    ]);
    let search = Described::new::<Search>("Search", None, Some(Search::SHAPE));
    fuzz(&seeds, |bytes| a_query_and_a_body_are_one_object(|query, body| message(search, query, body), bytes));
    let unescaped = |query: &str, body: Bytes| match query.strip_prefix("text=").filter(|_| body.is_empty()) {
        Some(text) if !text.contains(['&', '%', '+']) => Ok(Bytes::from(format!("{{\"text\":\"{text}\"}}"))),
        _ => message(search, query, body),
    };
    finds(&seeds, "text that is not escaped", |bytes| a_query_and_a_body_are_one_object(unescaped, bytes));
    let no_comma = |query: &str, body: Bytes| {
        let made = message(search, query, body)?;
        Ok(String::from_utf8_lossy(&made).replace(",\"text\"", "\"text\"").into())
    };
    finds(&seeds, "a missing comma", |bytes| a_query_and_a_body_are_one_object(no_comma, bytes));
}
