//! Names of protobuf as Rust writes them.

use proc_macro2::{Ident, Span};

/// An identifier, raw where it is a keyword.
pub(super) fn ident(name: &str) -> Ident {
    let span = Span::call_site();
    match name {
        // These have no raw form.
        "self" | "super" | "crate" | "Self" | "_" => Ident::new(&format!("{name}_"), span),
        // A keyword since the edition of 2024, which the parser does not know.
        "gen" => Ident::new_raw(name, span),
        _ if syn::parse_str::<Ident>(name).is_ok() => Ident::new(name, span),
        _ if name.starts_with(|first: char| first.is_ascii_digit()) => Ident::new(&format!("_{name}"), span),
        _ => Ident::new_raw(name, span),
    }
}

/// The name of a type: one that has no underscores and begins in upper case stays.
pub(super) fn type_name(name: &str) -> String {
    let camel = !name.contains('_') && name.starts_with(|first: char| first.is_ascii_uppercase());
    if camel { name.to_owned() } else { upper_camel(name) }
}

/// The name of a field, a method or a module: one without upper case stays.
pub(super) fn value_name(name: &str) -> String {
    if name.contains(|letter: char| letter.is_ascii_uppercase()) { snake(name) } else { name.to_owned() }
}

/// The name of a variant of an enum: `MOOD_VERY_GOOD` of `Mood` is `VeryGood`.
pub(super) fn variant_name(owner: &str, name: &str) -> String {
    let whole = upper_camel(name);
    // `HTTPMethod` writes its values as `HTTP_METHOD_GET`.
    let owner = upper_camel(&snake(owner));
    match whole.strip_prefix(&owner) {
        Some(rest) if rest.starts_with(|first: char| first.is_ascii_uppercase()) => rest.to_owned(),
        _ => whole,
    }
}

/// `foo_bar`, `fooBar` and `FOO_BAR` are `FooBar`.
pub(super) fn upper_camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    for word in name.split('_').filter(|word| !word.is_empty()) {
        // `V1_2` is not `V12`.
        if camel.ends_with(|last: char| last.is_ascii_digit()) && word.starts_with(|c: char| c.is_ascii_digit()) {
            camel.push('_');
        }
        let shouted = !word.contains(|letter: char| letter.is_ascii_lowercase());
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.extend(letters.map(|letter| if shouted { letter.to_ascii_lowercase() } else { letter }));
    }
    camel
}

/// `fooBar`, `FooBar` and `FOO_BAR` are `foo_bar`, `HTTPRequest` is `http_request`.
pub(super) fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len() + 4);
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| letters.get(before));
        let begins = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                let ends =
                    before.is_ascii_uppercase() && letters.get(at + 1).is_some_and(|next| next.is_ascii_lowercase());
                before.is_ascii_lowercase() || before.is_ascii_digit() || ends
            });
        if begins {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// The name of a field in JSON, where the file says no other.
pub(super) fn json(name: &str) -> String {
    let mut json = String::with_capacity(name.len());
    let mut upper = false;
    for letter in name.chars() {
        match letter {
            '_' => upper = true,
            _ if upper => {
                json.push(letter.to_ascii_uppercase());
                upper = false;
            }
            _ => json.push(letter),
        }
    }
    json
}

/// The name, with underscores at its end where others have it already.
pub(super) fn distinct(mut name: String, is_taken: impl Fn(&str) -> bool) -> String {
    while is_taken(&name) {
        name.push('_');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_fields_and_variants_have_the_case_of_rust() {
        assert_eq!(type_name("HTTPRequest"), "HTTPRequest");
        assert_eq!(type_name("hello_request"), "HelloRequest");
        assert_eq!(type_name("Outer_Inner"), "OuterInner");
        assert_eq!(value_name("fooBar"), "foo_bar");
        assert_eq!(value_name("_odd__name"), "_odd__name");
        assert_eq!(value_name("FOO_BAR"), "foo_bar");
        assert_eq!(snake("HTTPRequest"), "http_request");
        assert_eq!(snake("UInt32Value"), "u_int32_value");
        assert_eq!(json("foo_bar"), "fooBar");
        assert_eq!(json("_odd"), "Odd");
    }

    #[test]
    fn a_variant_does_not_repeat_its_enum() {
        assert_eq!(variant_name("Mood", "MOOD_VERY_GOOD"), "VeryGood");
        assert_eq!(variant_name("Mood", "MOODY"), "Moody");
        assert_eq!(variant_name("Status", "STATUS_2XX"), "Status2xx");
        assert_eq!(variant_name("Version", "V1_2"), "V1_2");
        assert_eq!(variant_name("HTTPMethod", "HTTP_METHOD_GET"), "Get");
        assert_eq!(variant_name("Corpus", "Universal"), "Universal");
    }

    #[test]
    fn keywords_are_raw() {
        assert_eq!(ident("type").to_string(), "r#type");
        assert_eq!(ident("self").to_string(), "self_");
        assert_eq!(ident("gen").to_string(), "r#gen");
        assert_eq!(ident("name").to_string(), "name");
    }
}
