//! Lays out JSON on several lines, so that a difference in one value changes one line.

/// Lays out compact JSON with one value on each line. Changes no other byte.
///
/// # Panics
/// Panics if the text has white space between its values, because the layout would hide it.
pub(super) fn pretty(json: &str) -> String {
    let mut out = String::new();
    let (mut depth, mut in_text, mut is_escaped) = (0_usize, false, false);
    let mut characters = json.chars().peekable();
    while let Some(c) = characters.next() {
        if in_text {
            out.push(c);
            in_text = is_escaped || c != '"';
            is_escaped = !is_escaped && c == '\\';
            continue;
        }
        assert!(!c.is_whitespace(), "white space between values: {json}");
        match c {
            '{' | '[' => {
                out.push(c);
                // An empty object or list stays on its line.
                if let Some(end) = characters.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth -= 1;
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => {
                in_text = c == '"';
                out.push(c);
            }
        }
    }
    out
}

/// Lays out a text that has one JSON value on each line. Each value is laid out as [`pretty`] does.
pub(super) fn pretty_lines(lines: &str) -> String {
    lines.lines().map(|line| pretty(line) + "\n").collect()
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[test]
fn only_white_space_is_added() {
    let json = r#"{"a":[1,{}],"b":"x, {\"y\": \\"}"#;
    assert_eq!(
        pretty(json),
        "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": \"x, {\\\"y\\\": \\\\\"\n}"
    );
}
