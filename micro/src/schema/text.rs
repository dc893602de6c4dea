//! Text as the JSON value of a field.

use std::borrow::Cow;

use super::fields::{item_free, solid, takes_text};
use super::{Body, Shape, Tag, Type};

/// What a name can be given several times for.
pub(super) fn item(shape: Shape) -> Option<Shape> {
    match solid(shape) {
        Shape::List(item) if takes_text(*item) && item_free(*item) => Some(*item),
        _ => None,
    }
}

/// The value in JSON that text is.
///
/// # Errors
/// What the text should be: `a whole number from 0 to 255`.
pub(super) fn json(shape: Shape, text: &[u8]) -> Result<String, Cow<'static, str>> {
    let shape = solid(shape);
    if let Shape::Bytes = shape {
        return Ok(serde_json::to_string(text).expect("numbers have a form in JSON"));
    }
    let text = std::str::from_utf8(text).map_err(|_| "text in UTF-8")?;
    let quoted = || serde_json::Value::from(text).to_string();
    match shape {
        Shape::Bool if matches!(text, "true" | "false") => Ok(text.to_owned()),
        Shape::Bool => Err("`true` or `false`".into()),
        Shape::Integer { bits, signed } => integer(bits, signed, text),
        Shape::Float { bits } => float(bits, text).ok_or_else(|| "a number".into()),
        Shape::String | Shape::Format(_) => Ok(quoted()),
        Shape::Any | Shape::Named(_) => Ok(guess(text).unwrap_or_else(quoted)),
        Shape::Type(Type { body, .. }) => match body() {
            Body::Enum(_, Tag::None) => Ok(guess(text).unwrap_or_else(quoted)),
            Body::Enum(variants, Tag::Outside) => {
                let units = || variants.iter().filter(|variant| variant.is_unit()).map(|variant| variant.name);
                match units().any(|name| name == text) {
                    true => Ok(quoted()),
                    false => Err(format!("one of {}", units().collect::<Vec<_>>().join(", ")).into()),
                }
            }
            _ => Err("a value that is text".into()),
        },
        _ => Err("a value that is text".into()),
    }
}

fn integer(bits: u32, signed: bool, text: &str) -> Result<String, Cow<'static, str>> {
    // A sign that the parser takes and JSON does not.
    let plain = !text.starts_with('+');
    let bits = bits.clamp(8, 128);
    if signed {
        let (least, most) = (i128::MIN >> (128 - bits), i128::MAX >> (128 - bits));
        let number = text.parse::<i128>().ok().filter(|number| plain && (least..=most).contains(number));
        return number
            .map(|number| number.to_string())
            .ok_or_else(|| format!("a whole number from {least} to {most}").into());
    }
    let most = u128::MAX >> (128 - bits);
    let number = text.parse::<u128>().ok().filter(|number| plain && *number <= most);
    number.map(|number| number.to_string()).ok_or_else(|| format!("a whole number from 0 to {most}").into())
}

/// A number with digits: JSON has no word for the others that Rust reads.
fn float(bits: u32, text: &str) -> Option<String> {
    let number: f64 = text.parse().ok().filter(|_| !text.starts_with('+'))?;
    let fits = number.is_finite() && (bits > 32 || (number as f32).is_finite());
    Some(serde_json::Number::from_f64(number).filter(|_| fits)?.to_string())
}

/// A bool or a number, where the text is exactly how JSON writes one: nothing is known of the field.
fn guess(text: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    let known = value.is_boolean() || value.is_number();
    // `==` of a value and text is about strings.
    let written = value.to_string();
    (known && written == text).then_some(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;

    #[test]
    fn numbers_are_those_that_the_field_holds() {
        let json = |shape, text: &str| json(shape, text.as_bytes()).map_err(Cow::into_owned);
        let byte = |text| json(u8::SHAPE, text);
        assert_eq!(byte("255").as_deref(), Ok("255"));
        assert_eq!(byte("007").as_deref(), Ok("7"));
        for bad in ["256", "-1", "+1", "1.0", "1e1", " 1", "", "x", "0x1", "340282366920938463463374607431768211456"] {
            assert_eq!(byte(bad).unwrap_err(), "a whole number from 0 to 255", "{bad}");
        }
        assert_eq!(json(i16::SHAPE, "-32768").as_deref(), Ok("-32768"));
        assert_eq!(json(i16::SHAPE, "32768").unwrap_err(), "a whole number from -32768 to 32767");
        assert_eq!(json(u128::SHAPE, &u128::MAX.to_string()), Ok(u128::MAX.to_string()));
        assert_eq!(json(i128::SHAPE, &i128::MIN.to_string()), Ok(i128::MIN.to_string()));
        for (text, expected) in [("1.5", "1.5"), ("-2", "-2.0"), ("1e3", "1000.0"), (".5", "0.5")] {
            assert_eq!(json(f64::SHAPE, text).as_deref(), Ok(expected));
        }
        for bad in ["inf", "NaN", "+1", "1e999", "", "one"] {
            assert_eq!(json(f64::SHAPE, bad).unwrap_err(), "a number", "{bad}");
        }
        assert_eq!(json(f32::SHAPE, "1e39").unwrap_err(), "a number");
    }

    #[test]
    fn text_of_an_unknown_type_is_a_number_only_as_json_writes_it() {
        let unknown = |text: &str| json(Shape::Named("Plain"), text.as_bytes()).unwrap();
        for same in ["1", "-7", "1.5", "true", "false"] {
            assert_eq!(unknown(same), same);
        }
        for text in ["01", "1.50", "1e5", "+1", "null", "{}", "[1]", "\"x\"", " 1", "True", "", "a"] {
            assert_eq!(unknown(text), serde_json::Value::from(text).to_string(), "{text}");
        }
    }
}
