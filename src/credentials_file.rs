//! A file of credentials: a name and a value in each line, as shells and Docker write such files. No message echoes a line:
//! it may be a secret that lost its name.

use std::collections::BTreeMap;

use bpconform_steps::credentials::ALL;

use crate::nearest::nearest;
use crate::text_file::with_line_feeds;

/// The values by their names, and the line of each.
///
/// # Errors
///
/// The line that cannot be read, and what to do.
pub fn parse(text: &str) -> Result<BTreeMap<String, (usize, String)>, String> {
    let text = with_line_feeds(text);
    let mut values: BTreeMap<String, (usize, String)> = BTreeMap::new();
    let mut rest = text.as_ref();
    let mut line = 1;
    while !rest.is_empty() {
        let (entry, behind) = entry(rest).map_err(|problem| format!("line {line}: {problem}"))?;
        if let Some((name, value)) = entry
            && let Some((first, _)) = values.insert(name.clone(), (line, value))
        {
            return Err(format!("line {line}: {name} is given in line {first}, too; keep one"));
        }
        line += rest[..rest.len() - behind.len()].matches('\n').count();
        rest = behind;
    }
    Ok(values)
}

/// What is read, and the text behind its last line.
type Read<'a, T> = Result<(T, &'a str), String>;

/// A name and its value, if the text does not begin with a comment or an empty line; and the text behind their lines.
fn entry(text: &str) -> Read<'_, Option<(String, String)>> {
    let (line, behind) = text.split_once('\n').unwrap_or((text, ""));
    let trimmed = line.trim();
    if trimmed.is_empty() || trimmed.starts_with('#') {
        return Ok((None, behind));
    }
    let (before, _) = line.split_once('=').ok_or("there is no `=`; write NAME=VALUE")?;
    let name = before.trim();
    let name = name.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t'])).unwrap_or(name).trim();
    if !ALL.iter().any(|credential| credential.name == name) {
        let near = nearest(name, ALL.iter().map(|credential| credential.name));
        let hint =
            near.map_or_else(|| "`bpconform run --help` names them".to_owned(), |near| format!("did you mean {near}?"));
        return Err(format!("this is not the name of a credential; {hint}"));
    }
    let (value, behind) = value(&text[before.len() + 1..]).map_err(|problem| format!("{name}: {problem}"))?;
    Ok((Some((name.to_owned(), value)), behind))
}

/// The value at the beginning of a text, and the text behind its last line.
fn value(text: &str) -> Read<'_, String> {
    let start = text.trim_start_matches([' ', '\t']);
    match start.chars().next() {
        Some('\'') => quoted(start, '\'', |value| value.find('\'')).map(|(value, rest)| (value.to_owned(), rest)),
        Some('"') => quoted(start, '"', end_of_double_quoted).map(|(value, rest)| (unescaped(value), rest)),
        Some('“' | '”' | '‘' | '’') => Err("its quotation marks are typographic; write \" or '".into()),
        _ => unquoted(start),
    }
}

/// The text between quotation marks. Behind them stands nothing but a comment.
fn quoted(text: &str, mark: char, end: impl Fn(&str) -> Option<usize>) -> Read<'_, &str> {
    let inner = &text[1..];
    let end = end(inner).ok_or_else(|| format!("it begins with {mark} and does not end with it"))?;
    let (line, behind) = inner[end + 1..].split_once('\n').unwrap_or((&inner[end + 1..], ""));
    let is_comment = line.trim().is_empty() || line.starts_with([' ', '\t']) && line.trim_start().starts_with('#');
    if !is_comment {
        return Err(format!("something follows its second {mark}; put the whole value into the other quotation marks"));
    }
    Ok((&inner[..end], behind))
}

fn end_of_double_quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(index, c)| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(index)
    })
}

/// A private key has lines, which are written as `\n`. A backslash before another character is one.
fn unescaped(text: &str) -> String {
    let mut value = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.clone().next() } else { None }) {
            ('\\', Some('n')) => value.push('\n'),
            ('\\', Some(next @ ('"' | '\\'))) => value.push(next),
            _ => {
                value.push(c);
                continue;
            }
        }
        chars.next();
    }
    value
}

fn unquoted(text: &str) -> Read<'_, String> {
    let (line, behind) = text.split_once('\n').unwrap_or((text, ""));
    let line = line.trim();
    if line.starts_with("-----BEGIN ") && !line.contains("-----END ") {
        // The lines of a key, as they are pasted.
        let end = text.find("-----END ").ok_or("the key that begins here has no -----END")?;
        let end = text[end..].find('\n').map_or(text.len(), |length| end + length);
        let lines: Vec<&str> = text[..end].lines().map(str::trim).collect();
        return Ok((lines.join("\n"), text.get(end + 1..).unwrap_or_default()));
    }
    if line.contains(" #") || line.contains("\t#") {
        return Err("is the # a part of it, or a comment? Put the value into quotation marks".into());
    }
    Ok((line.to_owned(), behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "BPCONFORM_AUTHOR_PASSWORD";

    fn value_of(text: &str) -> Result<String, String> {
        parse(text).map(|values| values[NAME].1.clone())
    }

    #[test]
    fn a_value_is_read_however_it_is_written() {
        for (text, wanted) in [
            ("NAME=a", "a"),
            ("NAME = a ", "a"),
            ("\texport  NAME=a\r\n", "a"),
            ("NAME='a'", "a"),
            ("NAME=\"a\"", "a"),
            ("NAME='a' # comment", "a"),
            ("NAME=\"a\"\t# comment", "a"),
            ("NAME=' a #b\"c\\n '", " a #b\"c\\n "),
            ("NAME=\"a #b'c\\\"d\\\\e\\f\"", "a #b'c\"d\\e\\f"),
            ("NAME=a#b", "a#b"),
            ("NAME=#a", "#a"),
            ("NAME=a=b", "a=b"),
            ("NAME=a'b", "a'b"),
            ("NAME=a\"b\"", "a\"b\""),
            ("# comment\r\rNAME=a\r", "a"),
            ("NAME=\"a\nb\"\n", "a\nb"),
        ] {
            assert_eq!(value_of(&text.replace("NAME", NAME)).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn a_private_key_is_read_with_its_lines() {
        let key = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----";
        let escaped = key.replace('\n', "\\n");
        for text in [
            format!("KEY={key}\nNAME=a\n"),
            format!("KEY=\"{key}\"\nNAME=a"),
            format!("KEY=\"{escaped}\"\nNAME=a"),
            format!("KEY='{key}'\r\nNAME=a"),
            format!("NAME=a\nKEY={key}"),
        ] {
            let text = text.replace("NAME", NAME).replace("KEY=", "BPCONFORM_JWT_PRIVATE_KEY=");
            let values = parse(&text).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
            assert_eq!(values["BPCONFORM_JWT_PRIVATE_KEY"].1, key, "{text}");
            assert_eq!(values[NAME].1, "a", "{text}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused_with_its_line() {
        for (line, text) in [
            (1, "NAME=hush # comment"),
            (1, "NAME=hush\t#hush"),
            (2, "\nNAME='hush"),
            (2, "# x\nNAME=\"hush\\\""),
            (1, "NAME='hush'hush"),
            (1, "NAME=\"hush\"#hush"),
            (1, "NAME=“hush”"),
            (2, "NAME=hush\nNAME=hush"),
            (4, "KEY='a\nb\n'\nhush"),
            (1, "hush"),
            (1, "HUSH=hush"),
            (2, "NAME=a\nKEY=-----BEGIN PRIVATE KEY-----\nhush"),
        ] {
            let text = text.replace("NAME", NAME).replace("KEY=", "BPCONFORM_JWT_PRIVATE_KEY=");
            let problem = parse(&text).expect_err(&text);
            assert!(problem.starts_with(&format!("line {line}: ")), "{text}: {problem}");
            assert!(!problem.to_lowercase().contains("hush"), "{problem}");
        }
    }
}
