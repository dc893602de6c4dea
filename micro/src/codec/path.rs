//! The field at a place of a JSON text, for errors.
//!
//! serde_json says line and column. The field is found from the text alone, when there is an error: asking the types
//! for it would make every message's code twice as large.

use std::fmt::Write;

use super::text;

/// How deep serde_json nests what it reads into types.
const DEEPEST: usize = 128;

/// The path of the value that ends at, or is expected at, `offset`: `user.tags[2]`; empty for the outermost value.
///
/// The text up to there is well-formed: it was read up to there.
pub(super) fn at(json: &[u8], offset: usize) -> String {
    let mut path: Vec<Step> = Vec::new();
    // Levels beyond those that are kept: a value that nobody asked for may be nested as deep as it likes.
    let mut deeper = 0_usize;
    let mut at = 0;
    while at < offset {
        match json[at] {
            b'{' | b'[' if path.len() == DEEPEST => deeper += 1,
            b'}' | b']' if deeper > 0 => deeper -= 1,
            b',' | b':' if deeper > 0 => {}
            b'{' => path.push(Step::Key { start: 0, end: 0, value: false }),
            b'[' => path.push(Step::Index(0)),
            b'}' | b']' => drop(path.pop()),
            b':' => {
                if let Some(Step::Key { value, .. }) = path.last_mut() {
                    *value = true;
                }
            }
            b',' => match path.last_mut() {
                Some(Step::Index(index)) => *index += 1,
                Some(key) => *key = Step::Key { start: 0, end: 0, value: false },
                None => {}
            },
            b'"' => {
                let string_end = string_end(json, at).min(offset);
                if let Some(Step::Key { start, end, value: false }) = path.last_mut() {
                    (*start, *end) = (at, string_end);
                }
                at = string_end - 1;
            }
            _ => {}
        }
        at += 1;
    }
    display(json, &path)
}

/// One level of nesting: where in it the reader was.
enum Step {
    Index(usize),
    /// The key, quotes included, and whether its value has begun.
    Key {
        start: usize,
        end: usize,
        value: bool,
    },
}

/// Where the string that starts at `start` has ended.
fn string_end(json: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < json.len() {
        match json[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}

fn display(json: &[u8], path: &[Step]) -> String {
    let mut out = String::new();
    for step in path {
        match step {
            Step::Index(index) => write!(out, "[{index}]").expect("a string takes everything"),
            Step::Key { start, end, value: true } => {
                if !out.is_empty() {
                    out.push('.');
                }
                let key: String = serde_json::from_slice(&json[*start..*end]).unwrap_or_default();
                // Keys come from the network: a line end in one would end the header that the error travels in.
                out.extend(key.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }));
            }
            Step::Key { .. } => {}
        }
    }
    text::shorten(&out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn finds(json: &str, expected: &str) {
        // The place is marked in the text.
        let offset = json.find('^').unwrap();
        assert_eq!(at(json.replace('^', "").as_bytes(), offset), expected, "{json}");
    }

    #[test]
    fn a_place_has_a_field() {
        finds(r#"{"age":"x"^}"#, "age");
        finds(r#"{"age":^"x"}"#, "age");
        finds(r#"{"a":1,"user":{"name":"n","age":-1^}}"#, "user.age");
        finds(r#"{"user":{"name":"n"}^}"#, "user");
        finds(r#"{"user":{"name":"n"}}^"#, "");
        finds(r#"{"tags":["a","b",3^]}"#, "tags[2]");
        finds(r#"{"tags":[["a"],[^]]}"#, "tags[1][0]");
        finds(r#"[{"a":1},{"a":true^}]"#, "[1].a");
        finds(r#"{"a":1,"b"^:2}"#, "");
        finds(r#""text"^"#, "");
    }

    #[test]
    fn keys_are_read_as_json_reads_them() {
        finds(r#"{"a\"]},b":1^}"#, r#"a"]},b"#);
        finds(r#"{"\u0041":1^}"#, "A");
        finds("{\"a\\nb\":1^}", "a\u{fffd}b");
        finds(r#"{"x":"a\\","y":1^}"#, "y");
    }

    #[test]
    fn places_outside_of_the_text_do_no_harm() {
        let json = br#"{"a":"b\"#;
        for offset in 0..=json.len() {
            at(json, offset);
        }
    }
}
