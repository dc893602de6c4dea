//! Texts of errors, kept short: they quote what a peer sent, and travel in a header.

/// The most characters of a text, and how many of them are its end, where the place is.
const LONGEST: usize = 400;
const TAIL: usize = 120;

/// The text, without its middle when it is very long.
pub(super) fn shorten(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let head = floor(text, LONGEST - TAIL);
    let tail = floor(text, text.len() - TAIL);
    format!("{} … {}", &text[..head], &text[tail..])
}

/// The next place at or before `at` where the text can be cut.
fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_keep_both_ends() {
        assert_eq!(shorten("short"), "short");
        let text = format!("invalid type: string \"{}\", expected u8 at line 1 column 9", "ä".repeat(5_000));
        let short = shorten(&text);
        assert!(short.len() < LONGEST + 8, "{}", short.len());
        assert!(short.starts_with("invalid type: string \"ä"), "{short}");
        assert!(short.ends_with("expected u8 at line 1 column 9"), "{short}");
    }
}
