//! What serde's attributes say that a schema has to know.

use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, Meta, Token};

use crate::tokens;

/// What the `#[serde(…)]` of an item says.
pub(crate) struct Serde(Vec<(String, Option<String>)>);

impl Serde {
    pub(crate) fn new(attributes: &[Attribute]) -> Self {
        let mut said = Vec::new();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
            // What serde does not understand is serde's to refuse.
            let Ok(metas) = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated) else {
                // `crate = "…"` is no meta item: a keyword is no path.
                if tokens::mentions(attribute.to_token_stream(), &|ident| ident == "crate") {
                    said.push(("crate".to_owned(), None));
                }
                continue;
            };
            for meta in metas {
                let Some(name) = meta.path().get_ident().map(Ident::to_string) else { continue };
                match &meta {
                    Meta::NameValue(pair) => said.push((name, literal(&pair.value))),
                    Meta::Path(_) => said.push((name, None)),
                    // `rename(serialize = "a", deserialize = "b")`: requests are read, so that is the name.
                    Meta::List(list) => {
                        let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
                        let reads = parts.into_iter().flatten().find(|part| part.path().is_ident("deserialize"));
                        let value = match reads {
                            Some(Meta::NameValue(pair)) => literal(&pair.value),
                            _ => None,
                        };
                        said.push((name, value));
                    }
                }
            }
        }
        Self(said)
    }

    /// All that is said.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(said, _)| said.as_str())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(said, _)| said == name)
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(said, _)| said == name).and_then(|(_, value)| value.clone())
    }
}

fn literal(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}

/// A field's name by a rule of serde.
pub(super) fn rename_field(name: &str, case: Option<&str>) -> String {
    let pascal = || -> String {
        let words = name.split('_').map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
        });
        words.collect()
    };
    match case {
        Some("UPPERCASE" | "SCREAMING_SNAKE_CASE") => name.to_ascii_uppercase(),
        Some("PascalCase") => pascal(),
        Some("camelCase") => lower_first(&pascal()),
        Some("kebab-case") => name.replace('_', "-"),
        Some("SCREAMING-KEBAB-CASE") => name.to_ascii_uppercase().replace('_', "-"),
        _ => name.to_owned(),
    }
}

/// A variant's name by a rule of serde.
pub(super) fn rename_variant(name: &str, case: Option<&str>) -> String {
    let snake = || -> String {
        let mut snake = String::new();
        for (index, letter) in name.char_indices() {
            if index > 0 && letter.is_uppercase() {
                snake.push('_');
            }
            snake.push(letter.to_ascii_lowercase());
        }
        snake
    };
    match case {
        Some("lowercase") => name.to_ascii_lowercase(),
        Some("UPPERCASE") => name.to_ascii_uppercase(),
        Some("camelCase") => lower_first(name),
        Some("snake_case") => snake(),
        Some("SCREAMING_SNAKE_CASE") => snake().to_ascii_uppercase(),
        Some("kebab-case") => snake().replace('_', "-"),
        Some("SCREAMING-KEBAB-CASE") => snake().to_ascii_uppercase().replace('_', "-"),
        _ => name.to_owned(),
    }
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase().to_string() + letters.as_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_serde() {
        let fields = ["user_name", "USER_NAME", "UserName", "userName", "user-name", "USER-NAME"];
        let cases = [
            None,
            Some("SCREAMING_SNAKE_CASE"),
            Some("PascalCase"),
            Some("camelCase"),
            Some("kebab-case"),
            Some("SCREAMING-KEBAB-CASE"),
        ];
        assert_eq!(cases.map(|case| rename_field("user_name", case)), fields);
        let variants = ["VeryGood", "very_good", "VERY_GOOD", "veryGood", "very-good", "verygood", "VERYGOOD"];
        let cases = [
            None,
            Some("snake_case"),
            Some("SCREAMING_SNAKE_CASE"),
            Some("camelCase"),
            Some("kebab-case"),
            Some("lowercase"),
            Some("UPPERCASE"),
        ];
        assert_eq!(cases.map(|case| rename_variant("VeryGood", case)), variants);
    }
}
