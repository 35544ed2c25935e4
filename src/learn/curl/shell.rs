//! The words of a command as bash reads them. Only what people paste is understood; nothing is carried out or
//! substituted.

/// A command, and where the text behind it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Command {
    /// Its words, without quotation marks, redirections and comments.
    pub(super) words: Vec<String>,
    /// What the shell gives to its standard input, where the text says it.
    pub(super) input: Option<String>,
    /// The byte behind it.
    pub(super) end: usize,
}

/// Reads the command that begins at the start of a text. It ends at the end of its line or at `;`, `&`, `|`; a line
/// that begins with a hyphen belongs to it, too, since people lose backslashes.
///
/// # Errors
///
/// A quotation mark without its other half.
pub(super) fn command(text: &str) -> Result<Command, String> {
    let mut shell = Shell { text, at: 0, words: Vec::new(), word: None, input: None, until: None, behind: None };
    shell.read()?;
    Ok(Command { words: shell.words, input: shell.input, end: shell.at })
}

/// What becomes of the next word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    File,
    String,
    Document,
}

struct Shell<'a> {
    text: &'a str,
    at: usize,
    words: Vec<String>,
    word: Option<String>,
    input: Option<String>,
    /// The redirection whose word comes next.
    until: Option<Next>,
    /// Where the document that stands behind the line ends.
    behind: Option<usize>,
}

impl Shell<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn word(&mut self) -> &mut String {
        self.word.get_or_insert_default()
    }

    fn push(&mut self, c: char) {
        self.word().push(c);
    }

    fn read(&mut self) -> Result<(), String> {
        while let Some(c) = self.rest().chars().next() {
            match c {
                '\n' => {
                    self.end_word();
                    if let Some(behind) = self.behind {
                        self.at = behind;
                        return Ok(());
                    }
                    if !self.goes_on() {
                        return Ok(());
                    }
                }
                '&' if self.rest().starts_with("&>") => self.at += 1,
                // The end of the parenthesis in which the command stands: `R=$(curl …)`.
                ')' if !self.word.as_ref().is_some_and(|word| word.contains('(')) => {
                    self.end_word();
                    return Ok(());
                }
                ';' | '|' | '&' => {
                    self.end_word();
                    return Ok(());
                }
                '>' | '<' => self.redirection(),
                '#' if self.word.is_none() => self.skip_line(),
                ' ' | '\t' => {
                    self.at += 1;
                    self.end_word();
                }
                _ => self.part()?,
            }
        }
        self.end_word();
        Ok(())
    }

    /// A part of an argument: a quoted text, an escaped character or a plain one.
    fn part(&mut self) -> Result<(), String> {
        match self.next() {
            Some('\'') => self.quoted(),
            Some('"') => self.double_quoted(),
            Some('$') => self.dollar(),
            Some('`') => self.substitution('`', "`"),
            Some('\\') => {
                self.escaped();
                Ok(())
            }
            Some(c) => {
                self.push(c);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn quoted(&mut self) -> Result<(), String> {
        let end = self.rest().find('\'').ok_or_else(no_other_half)?;
        let text = self.rest()[..end].to_owned();
        self.word().push_str(&text);
        self.at += end + 1;
        Ok(())
    }

    fn double_quoted(&mut self) -> Result<(), String> {
        self.word();
        loop {
            match self.next().ok_or_else(no_other_half)? {
                '"' => return Ok(()),
                '\\' => match self.next() {
                    Some('\n') => {}
                    Some(c @ ('"' | '\\' | '$' | '`')) => self.push(c),
                    Some(c) => self.word().extend(['\\', c]),
                    None => return Err(no_other_half()),
                },
                '$' if self.rest().starts_with('(') => self.substitution('(', "$(")?,
                c => self.push(c),
            }
        }
    }

    fn dollar(&mut self) -> Result<(), String> {
        match self.rest().chars().next() {
            Some('\'') => {
                self.at += 1;
                self.ansi_c()
            }
            Some('"') => {
                self.at += 1;
                self.double_quoted()
            }
            Some('(') => self.substitution('(', "$("),
            _ => {
                self.push('$');
                Ok(())
            }
        }
    }

    /// A command within the command stays as it is written: nothing is carried out here.
    fn substitution(&mut self, opening: char, written: &str) -> Result<(), String> {
        let closing = if opening == '(' { ')' } else { opening };
        self.word().push_str(written);
        let mut depth = i32::from(opening == '`');
        loop {
            let c = self.next().ok_or_else(no_other_half)?;
            if opening == '(' && c == '(' {
                depth += 1;
            }
            if c == closing {
                depth -= 1;
            }
            if c != opening || written.len() == 1 || depth > 1 {
                self.push(c);
            }
            if c == closing && depth == 0 {
                return Ok(());
            }
        }
    }

    /// `$'…'`, which browsers write around text with line breaks. An escape that is not known stays as it is.
    fn ansi_c(&mut self) -> Result<(), String> {
        self.word();
        let mut bytes = Vec::new();
        loop {
            match self.next().ok_or_else(no_other_half)? {
                '\'' => break,
                '\\' => self.ansi_c_escape(&mut bytes).ok_or_else(no_other_half)?,
                c => bytes.extend(c.to_string().into_bytes()),
            }
        }
        // `\x` and octal escapes are bytes, which together may be one character.
        let text = String::from_utf8_lossy(&bytes).into_owned();
        self.word().push_str(&text);
        Ok(())
    }

    fn ansi_c_escape(&mut self, bytes: &mut Vec<u8>) -> Option<()> {
        let c = self.next()?;
        let plain = match c {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'a' => '\x07',
            'b' => '\x08',
            'e' | 'E' => '\x1b',
            'f' => '\x0c',
            'v' => '\x0b',
            '\\' | '\'' | '"' | '?' | '!' => c,
            'u' => self.digits(16, 4).and_then(char::from_u32)?,
            'U' => self.digits(16, 8).and_then(char::from_u32)?,
            'x' => {
                bytes.push(u8::try_from(self.digits(16, 2)? & 0xff).ok()?);
                return Some(());
            }
            '0'..='7' => {
                self.at -= 1;
                bytes.push(u8::try_from(self.digits(8, 3)? & 0xff).ok()?);
                return Some(());
            }
            other => {
                bytes.push(b'\\');
                other
            }
        };
        bytes.extend(plain.to_string().into_bytes());
        Some(())
    }

    /// A number of at most so many digits; some shells write them in braces.
    fn digits(&mut self, radix: u32, longest: usize) -> Option<u32> {
        let braces = self.rest().starts_with('{');
        self.at += usize::from(braces);
        let digits = self.rest().chars().take(longest).take_while(|c| c.is_digit(radix)).count();
        let code = u32::from_str_radix(&self.rest()[..digits], radix).ok()?;
        self.at += digits;
        self.at += usize::from(braces && self.rest().starts_with('}'));
        Some(code)
    }

    /// A backslash. One at the end of a line joins the lines, also when blanks were pasted behind it.
    fn escaped(&mut self) {
        let line = self.rest().split('\n').next().unwrap_or_default();
        if line.trim_matches([' ', '\t']).is_empty() && self.rest().len() > line.len() {
            self.at += line.len() + 1;
        } else if let Some(c) = self.next() {
            self.push(c);
        }
    }

    fn skip_line(&mut self) {
        let line = self.rest().split('\n').next().map_or(0, str::len);
        self.at += line;
    }

    /// Whether the next line that is not empty belongs to the command: it begins with an option.
    fn goes_on(&mut self) -> bool {
        let next = self.rest().trim_start_matches('\n').trim_start_matches([' ', '\t']);
        if next.starts_with('-') && !next.starts_with("---") {
            self.at = self.text.len() - next.len();
            return true;
        }
        false
    }

    /// `> file`, `2>&1`, `<<EOF`: neither belongs to the command's words.
    fn redirection(&mut self) {
        if let Some(placeholder) = placeholder(self.rest()).map(str::to_owned) {
            self.at += placeholder.len();
            self.word().push_str(&placeholder);
            return;
        }
        // The number of a stream is part of the redirection.
        if self.word.as_ref().is_some_and(|word| word.chars().all(|c| c.is_ascii_digit())) {
            self.word = None;
        }
        self.end_word();
        let operators = ["<<<", "<<-", "<<", ">>", ">&", "<&", ">|", "<>", ">", "<"];
        let operator = operators.into_iter().find(|operator| self.rest().starts_with(operator)).unwrap_or(">");
        self.at += operator.len();
        self.until = Some(match operator {
            "<<<" => Next::String,
            "<<" | "<<-" => Next::Document,
            _ => Next::File,
        });
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        match self.until.take() {
            None => self.words.push(word),
            Some(Next::File) => {}
            Some(Next::String) => self.input = Some(word),
            Some(Next::Document) => self.document(&word),
        }
    }

    /// The lines up to one that is the word alone. They stand behind the command's own line, which may go on.
    fn document(&mut self, end: &str) {
        let Some(line_end) = self.rest().find('\n') else { return };
        let lines = &self.rest()[line_end + 1..];
        let document: Vec<&str> = lines.split('\n').take_while(|line| line.trim() != end).collect();
        let document = document.join("\n");
        self.behind = Some((self.at + line_end + 1 + document.len()).min(self.text.len()));
        self.input = Some(document);
    }
}

/// `<user>` at the beginning of a text: documents write so what a person is to fill in.
fn placeholder(text: &str) -> Option<&str> {
    let name = text.strip_prefix('<')?.split('>').next()?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-_".contains(c));
    text.get(..name.len() + 2).filter(|text| is_name && text.ends_with('>'))
}

fn no_other_half() -> String {
    "the command that begins here has a quotation mark without its other half".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        command(text).expect(text).words
    }

    #[test]
    fn words_are_quoted_in_every_way() {
        for (text, wanted) in [
            (r#"a 'b c' "d e" f\ g h"i"'j'"#, vec!["a", "b c", "d e", "f g", "hij"]),
            (r#""a\"b\\c\$d\e" 'a\b'"#, vec![r#"a"b\c$d\e"#, r"a\b"]),
            ("''", vec![""]),
            (r"$'a\'b\n\x41\101\u00e9\u{4d}\U0001F600\xc3\xa9\q'", vec!["a'b\nAAéM😀é\\q"]),
            ("$\"a b\" $HOME \"$HOME\" ${X}", vec!["a b", "$HOME", "$HOME", "${X}"]),
            ("\"a $(cat \"x y\") b\" $(echo (1) 2) `id -u`", vec!["a $(cat \"x y\") b", "$(echo (1) 2)", "`id -u`"]),
            ("a \\\n b \\  \n c", vec!["a", "b", "c"]),
            ("a # comment\nb", vec!["a"]),
            ("a#b '#c'", vec!["a#b", "#c"]),
            ("-u <user>:<pass-word> http://<host>:4502 < file", vec!["-u", "<user>:<pass-word>", "http://<host>:4502"]),
        ] {
            assert_eq!(words(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_command_ends_at_its_line_or_at_an_operator() {
        for text in ["a b\nc", "a b;c", "a b; c", "a b | c", "a b|c", "a b && c", "a b & c", "a b || c"] {
            assert_eq!(words(text), ["a", "b"], "{text}");
        }
        assert_eq!(words("a\n  -b c\n\n  --d\nEnd"), ["a", "-b", "c", "--d"]);
        assert_eq!(words("a\n---\nb"), ["a"]);
    }

    #[test]
    fn redirections_are_no_words() {
        for text in ["a > f", "a >f", "a 2>&1", "a >> f 2> g", "a &> f", "a < f", "a 2>/dev/null", "a > f 2>&1 | b"] {
            assert_eq!(words(text), ["a"], "{text}");
        }
        assert_eq!(words("a b2 > f c"), ["a", "b2", "c"]);
        let read = command("a -d @- <<'EOF' -s\n--x=1\ny=2\nEOF\nb").expect("it is whole");
        assert_eq!((read.words.len(), read.input.as_deref()), (4, Some("--x=1\ny=2")));
        assert_eq!(command("a <<< 'x=1' b").expect("it is whole").input.as_deref(), Some("x=1"));
    }

    #[test]
    fn what_has_no_end_is_told() {
        for text in ["a 'b", "a \"b", "a $'b", "a \"b\\", "a $(b", "a `b", "a $'\\x", "a $'\\u"] {
            assert_eq!(command(text), Err(no_other_half()), "{text}");
        }
    }
}
