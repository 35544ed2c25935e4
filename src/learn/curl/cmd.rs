//! The words of a command as the Windows command prompt and curl.exe read them.

/// Whether a command is written for the command prompt: a caret joins its lines or escapes its characters.
pub(super) fn is_for(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default().trim_end();
    let escapes = ["^\"", "^&", "^%", "^|", "^^", "^{", "^<", "^>"];
    first.ends_with('^') || (!first.contains('\'') && escapes.iter().any(|escape| first.contains(escape)))
}

/// The words, and the byte behind the command.
pub(super) fn command(text: &str) -> (Vec<String>, usize) {
    let (line, end) = without_carets(text);
    (arguments(&line), end)
}

/// The command line without its carets, up to its end: a line end, or an operator outside quotation marks.
fn without_carets(text: &str) -> (String, usize) {
    let mut line = String::new();
    let mut quoted = false;
    let mut chars = text.char_indices().peekable();
    while let Some((index, c)) = chars.next() {
        match c {
            '^' => match chars.next() {
                // A caret at the end of a line joins the lines; browsers write a line break as a caret and two of them.
                Some((_, '\n')) => line.extend(chars.next_if(|(_, next)| *next == '\n').map(|(_, next)| next)),
                Some((_, escaped)) => line.push(escaped),
                None => {}
            },
            '"' => {
                quoted = !quoted;
                line.push(c);
            }
            '\n' => return (line, index),
            '&' | '|' | '>' | '<' if !quoted => return (line, index),
            c => line.push(c),
        }
    }
    (line, text.len())
}

/// The arguments as programs of Windows split their command line. Source: Microsoft, "Parsing C command-line arguments".
fn arguments(line: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut argument: Option<String> = None;
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let mut count = 1;
                while chars.next_if_eq(&'\\').is_some() {
                    count += 1;
                }
                let escapes = chars.peek() == Some(&'"');
                let word = argument.get_or_insert_default();
                word.extend(std::iter::repeat_n('\\', if escapes { count / 2 } else { count }));
                if escapes && count % 2 == 1 {
                    word.extend(chars.next());
                }
            }
            '"' if quoted && chars.peek() == Some(&'"') => {
                argument.get_or_insert_default().extend(chars.next());
            }
            '"' => {
                quoted = !quoted;
                argument.get_or_insert_default();
            }
            ' ' | '\t' if !quoted => arguments.extend(argument.take()),
            c => argument.get_or_insert_default().push(c),
        }
    }
    arguments.extend(argument);
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_browsers_copy_on_windows_is_read() {
        for (text, wanted) in [
            // Chromium since 2022, with an encoded character, a quotation mark, a backslash and a line break.
            (
                "curl ^\"http://a/x?b=^%^2Fc^&d=1^\" ^\n  -H ^\"a: b^\" ^\n  --data-raw ^\"^{^\\^\"n^\\^\":1,^\\^\"p^\\^\":^\\^\"c:^\\^\\d^\\^\"^}^\n\n^\"\nnext",
                vec!["curl", "http://a/x?b=%2Fc&d=1", "-H", "a: b", "--data-raw", "{\"n\":1,\"p\":\"c:\\\\d\"}\n"],
            ),
            // Before that, within plain quotation marks.
            (
                "curl \"http://a/x\" ^\n  --data-raw \"a=1^&b=^%^2F\" ^\n  --compressed &\ncurl",
                vec!["curl", "http://a/x", "--data-raw", "a=1&b=%2F", "--compressed"],
            ),
            ("curl \"a\"\"b c\" -H \"d: \\\"e\\\"\" ^\n -k", vec!["curl", "a\"b c", "-H", "d: \"e\"", "-k"]),
            ("curl.exe ^\"http://a^\" > out.txt", vec!["curl.exe", "http://a"]),
        ] {
            assert!(is_for(text), "{text}");
            assert_eq!(command(text).0, wanted, "{text}");
        }
        assert!(!is_for("curl 'http://a/x' --data-raw 'a=^%&b'"));
        assert!(!is_for("curl \"http://a/x\" -H \"a: b\""));
    }
}
