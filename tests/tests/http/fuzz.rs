//! Bytes of peers, changed and made up: what the decoders of heads and frames make of them, and that the search finds
//! mistakes.

use std::time::Duration;

use micro::__private::http::{Frames, is_host, nanoseconds, value};
use micro::{Code, Error};
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
