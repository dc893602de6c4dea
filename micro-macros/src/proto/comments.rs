//! Comments of a `.proto` as docs: what looks like code or a link there is neither.

use protox::prost_reflect::prost_types::source_code_info::Location;

/// The lines of the docs of a thing: what stands before it and what stands behind it.
pub(super) fn docs(location: &Location) -> Vec<String> {
    let mut lines = Vec::new();
    for comment in [location.leading_comments(), location.trailing_comments()] {
        let more = lines_of(comment);
        if !lines.is_empty() && !more.is_empty() {
            lines.push(String::new());
        }
        lines.extend(more);
    }
    lines
}

/// The lines of one comment.
fn lines_of(comment: &str) -> Vec<String> {
    let comment = comment.trim_end();
    let mut lines: Vec<String> = Vec::new();
    let mut block = None;
    for raw in comment.lines() {
        let line = raw.strip_prefix(' ').unwrap_or(raw).trim_end().replace('\t', "    ");
        if line.is_empty() && lines.is_empty() {
            continue;
        }
        let text = line.trim_start();
        let fence = text.starts_with("```") || text.starts_with("~~~");
        let indented = !text.is_empty() && line.len() - text.len() >= 4;
        let free = lines.last().is_none_or(|last| last.is_empty());
        block = match block {
            Some(Block::Fenced) if fence => {
                lines.push("```".to_owned());
                None
            }
            Some(Block::Fenced) => {
                lines.push(line);
                block
            }
            Some(Block::Indented) if indented || text.is_empty() => {
                lines.push(line.get(4..).unwrap_or_default().to_owned());
                block
            }
            ended => {
                if ended.is_some() {
                    close(&mut lines);
                }
                if fence {
                    // Whatever language it names, it is no test of the crate.
                    lines.push("```text".to_owned());
                    Some(Block::Fenced)
                } else if indented && (free || ended.is_some()) {
                    lines.push("```text".to_owned());
                    lines.push(line.get(4..).unwrap_or_default().to_owned());
                    Some(Block::Indented)
                } else {
                    lines.push(escaped(&line));
                    None
                }
            }
        };
    }
    if block.is_some() {
        close(&mut lines);
    }
    lines
}

enum Block {
    /// Between fences.
    Fenced,
    /// By four blanks.
    Indented,
}

/// Ends a block, before the empty lines that follow it.
fn close(lines: &mut Vec<String>) {
    let end = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    lines.insert(end, "```".to_owned());
}

/// A line of prose: brackets are no links, angles no tags, addresses are links; code stays as it is.
fn escaped(line: &str) -> String {
    let mut text = String::with_capacity(line.len() + 8);
    let mut rest = line;
    while let Some(letter) = rest.chars().next() {
        if letter == '`' {
            let ticks = rest.len() - rest.trim_start_matches('`').len();
            let end = rest[ticks..].find(&rest[..ticks]).map(|end| end + 2 * ticks);
            let (code, after) = rest.split_at(end.unwrap_or(rest.len()));
            match end {
                Some(_) => text.push_str(code),
                // A lone tick would reach into the next line.
                None => text.push_str(&code.replace('`', "\\`").replace('[', "\\[").replace('<', "\\<")),
            }
            rest = after;
        } else if rest.starts_with("http://") || rest.starts_with("https://") {
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | ')' | ']' | '`'));
            let (address, after) = rest.split_at(end.unwrap_or(rest.len()));
            let bare = address.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'']);
            text.push_str(&format!("<{bare}>{}", &address[bare.len()..]));
            rest = after;
        } else {
            if matches!(letter, '[' | ']' | '<' | '>') && !(letter == '>' && text.trim().is_empty()) {
                text.push('\\');
            }
            text.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_kept_and_links_to_nothing() {
        let lines = lines_of(" Greets [someone] by `a[0]`.\n\n See https://example.org/x. A Map<K, V>\n");
        assert_eq!(lines, ["Greets \\[someone\\] by `a[0]`.", "", "See <https://example.org/x>. A Map\\<K, V\\>"]);
        assert_eq!(lines_of(" a lone ` and [x]"), ["a lone \\` and \\[x]"]);
        assert_eq!(lines_of("\n\n"), Vec::<String>::new());
    }

    #[test]
    fn code_is_no_test() {
        let lines = lines_of(" So:\n\n     greet(1);\n\n     greet(2);\n\n Done.\n");
        assert_eq!(lines, ["So:", "", "```text", "greet(1);", "", "greet(2);", "```", "", "Done."]);
        assert_eq!(lines_of(" ```rust\n x[0]\n ```\n end"), ["```text", "x[0]", "```", "end"]);
        assert_eq!(lines_of(" ~~~\n never closed"), ["```text", "never closed", "```"]);
        assert_eq!(lines_of("\tcode\n"), ["```text", "code", "```"]);
    }
}
