//! Reads what a browser copies as cURL, one or many commands in a file, as Adobe advises to capture a request.

use std::path::Path;

use super::capture::{Capture, Raw};

/// A larger file is refused, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Options of curl that take a value which says nothing about the action.
const WITH_VALUE: [&str; 22] = [
    "-A",
    "-e",
    "-m",
    "-o",
    "-w",
    "-x",
    "-c",
    "-E",
    "-K",
    "--user-agent",
    "--referer",
    "--max-time",
    "--output",
    "--write-out",
    "--proxy",
    "--cookie-jar",
    "--cert",
    "--key",
    "--cacert",
    "--connect-timeout",
    "--max-redirs",
    "--resolve",
];

/// Gives every request of the file that may be an action to `found`. The error names the line.
pub fn read(path: &Path, found: impl FnMut(Capture)) -> Result<(), String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    if std::fs::metadata(path).map_err(unreadable)?.len() > LARGEST {
        return Err(format!("it is larger than {} MiB, which no copied command is", LARGEST / (1024 * 1024)));
    }
    read_text(&std::fs::read_to_string(path).map_err(unreadable)?, found)
}

/// The same of what is read already.
pub(crate) fn read_text(text: &str, mut found: impl FnMut(Capture)) -> Result<(), String> {
    let commands = commands(text);
    if commands.is_empty() {
        return Err("there is no line that begins with curl; copy the request with Copy as cURL (bash)".into());
    }
    for (line, command) in commands {
        let capture = request(&command).and_then(|(url, raw)| Capture::reduce(format!("line {line}"), &url, raw));
        capture.map_err(|problem| format!("line {line}: {problem}"))?.into_iter().for_each(&mut found);
    }
    Ok(())
}

/// The commands with the lines on which they begin.
fn commands(text: &str) -> Vec<(usize, String)> {
    let mut commands: Vec<(usize, String)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let start = line.trim_start().trim_start_matches("$ ");
        if start.starts_with("curl ") || start == "curl" || start.starts_with("curl\t") {
            commands.push((index + 1, start.to_owned()));
        } else if let Some((_, command)) = commands.last_mut().filter(|_| !start.starts_with('#')) {
            command.push('\n');
            command.push_str(line);
        }
    }
    commands
}

fn request(command: &str) -> Result<(String, Raw), String> {
    let words = shell_words::split(&without_ansi_c(command))
        .map_err(|_| "the command that begins here has a quotation mark without its other half".to_owned())?;
    let mut request = Curl::default();
    let mut words = words.into_iter().skip(1);
    while let Some(word) = words.next() {
        if matches!(word.as_str(), ";" | "&" | "&&" | "|") {
            break;
        }
        let (option, attached) = option(&word);
        let mut value = || attached.clone().or_else(|| words.next()).ok_or_else(|| format!("{option} has no value"));
        request.take(&option, &mut value)?;
    }
    request.end()
}

/// An option, and the value that is attached to a short one: `-XPOST`.
fn option(word: &str) -> (String, Option<String>) {
    let short = word.starts_with('-') && !word.starts_with("--") && word.chars().count() > 2;
    match word.get(..2).filter(|option| short && ["-X", "-H", "-d", "-F", "-u", "-b"].contains(option)) {
        Some(option) => (option.to_owned(), Some(word[2..].to_owned())),
        None => (word.to_owned(), None),
    }
}

#[derive(Default)]
struct Curl {
    url: Option<String>,
    method: Option<String>,
    headers: Vec<(String, String)>,
    data: Vec<String>,
    form: Vec<(String, String)>,
    in_query: bool,
}

impl Curl {
    fn take(&mut self, option: &str, value: &mut dyn FnMut() -> Result<String, String>) -> Result<(), String> {
        match option {
            "-X" | "--request" => self.method = Some(value()?),
            "-H" | "--header" => {
                let header = value()?;
                let (name, value) = header.split_once(':').unwrap_or((&header, ""));
                self.headers.push((name.trim().to_owned(), value.trim().to_owned()));
            }
            "-b" | "--cookie" => self.headers.push(("cookie".into(), value()?)),
            "-u" | "--user" => {
                let user = value()?;
                let password = user.split_once(':').map_or("", |(_, password)| password);
                self.headers.push(("x-password".into(), password.to_owned()));
            }
            "-d" | "--data" | "--data-ascii" | "--data-raw" | "--data-binary" => self.data.push(value()?),
            "--data-urlencode" => {
                let data = value()?;
                let (name, value) = data.split_once('=').unwrap_or(("", &data));
                self.data.push(url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish());
            }
            "--json" => {
                self.data.push(value()?);
                self.headers.push(("content-type".into(), "application/json".into()));
            }
            "-F" | "--form" | "--form-string" => {
                let form = value()?;
                let (name, value) = form.split_once('=').ok_or_else(|| format!("{option} has no `=`"))?;
                let file = option != "--form-string" && value.starts_with(['@', '<']);
                self.form.push((name.to_owned(), if file { String::new() } else { value.to_owned() }));
            }
            "-G" | "--get" => self.in_query = true,
            "-I" | "--head" => self.method = Some("HEAD".into()),
            "--url" => self.url = Some(value()?),
            known if WITH_VALUE.contains(&known) => drop(value()?),
            flag if flag.starts_with('-') => {}
            url if self.url.is_none() => self.url = Some(url.to_owned()),
            _ => return Err("it names a second URL; write one command for each".into()),
        }
        Ok(())
    }

    fn end(self) -> Result<(String, Raw), String> {
        let mut url = self.url.ok_or("it names no URL")?;
        let sends = !self.data.is_empty() || !self.form.is_empty();
        let body = self.data.join("&");
        if self.in_query && !body.is_empty() {
            url = format!("{url}{}{body}", if url.contains('?') { '&' } else { '?' });
        }
        let usual = if sends && !self.in_query { "POST" } else { "GET" };
        let header = |name: &str| self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        Ok((
            url,
            Raw {
                method: self.method.unwrap_or_else(|| usual.to_owned()),
                content_type: header("content-type").map(|(_, value)| value.clone()).unwrap_or_default(),
                body: if self.in_query { Vec::new() } else { body.into_bytes() },
                fields: self.form,
                headers: self.headers,
            },
        ))
    }
}

/// Puts `$'…'`, which browsers write around text with line breaks, into quotation marks that every shell knows.
fn without_ansi_c(command: &str) -> String {
    let mut text = String::with_capacity(command.len());
    let mut rest = command.chars().peekable();
    let mut quote = None;
    while let Some(c) = rest.next() {
        match (c, quote) {
            ('$', None) if rest.peek() == Some(&'\'') => {
                rest.next();
                text += &shell_words::quote(&ansi_c(&mut rest));
                continue;
            }
            ('\\', None | Some('"')) => {
                text.push(c);
                text.extend(rest.next());
                continue;
            }
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            _ => {}
        }
        text.push(c);
    }
    text
}

/// Decodes up to the closing quotation mark; an escape that is not known stays as it is.
fn ansi_c(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut text = String::new();
    while let Some(c) = rest.next() {
        match c {
            '\'' => break,
            '\\' => match rest.next() {
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('t') => text.push('\t'),
                Some('u') => text.extend(hex(rest, 4)),
                Some('x') => text.extend(hex(rest, 2)),
                Some(c @ ('\\' | '\'' | '"' | '!')) => text.push(c),
                Some(c) => text.extend(['\\', c]),
                None => text.push('\\'),
            },
            c => text.push(c),
        }
    }
    text
}

fn hex(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, longest: usize) -> Option<char> {
    let mut code = 0;
    for _ in 0..longest {
        let Some(digit) = rest.peek().and_then(|c| c.to_digit(16)) else { break };
        code = code * 16 + digit;
        rest.next();
    }
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(name: &str, text: &str) -> Result<Vec<Capture>, String> {
        let path = std::env::temp_dir().join(format!("bpconform-{}-{name}.curl", std::process::id()));
        std::fs::write(&path, text).expect("the temporary directory can be written");
        let mut captures = Vec::new();
        read(&path, |capture| captures.push(capture)).map(|()| captures)
    }

    #[test]
    fn what_a_browser_copies_is_read() {
        let text = "curl 'https://a.example/libs/x?y=1' \\\n  -X 'POST' \\\n  -H 'content-type: \
            application/x-www-form-urlencoded' \\\n  --data-raw $'a=it\\'s\\u0021&b=%2Fc' \\\n  --compressed ;\n\
            curl -uadmin:canary-9 -F 'a=1' -F f=@file https://a.example/libs/z\n";
        let captures = read_text("browser", text).expect("it is right");
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!((captures[0].method.as_str(), captures[0].path.as_str()), ("POST", "/libs/x"));
        assert_eq!(captures[0].fields, [field("a", "it's!"), field("b", "/c")]);
        assert_eq!((captures[1].place.as_str(), captures[1].method.as_str()), ("line 6", "POST"));
        assert_eq!(captures[1].fields, [field("a", "1"), field("f", "")]);
        assert!(captures[1].secrets.contains(&"canary-9".to_owned()));
    }

    #[test]
    fn a_broken_command_is_named_by_its_line() {
        let error = |name, text| read_text(name, text).expect_err("it is broken");
        assert!(error("none", "wget x").contains("no line that begins with curl"));
        assert!(
            error("quote", "\n\ncurl 'http://a/libs").starts_with("line 3: the command that begins here has a quot")
        );
        assert!(error("url", "curl -s").starts_with("line 1: it names no URL"));
        assert!(error("value", "curl http://a -X").starts_with("line 1: -X has no value"));
        assert!(error("address", "curl nowhere").starts_with("line 1: its URL cannot be read"));
    }
}
