//! The requests that a command of curl would send.

use url::form_urlencoded;

use super::options::{Opt, options};
use crate::learn::capture::Raw;

/// The value of a field whose value is in a file.
const FILE: &str = "(in a file)";

/// One request: its address, and what curl would send there.
pub(super) type Request = (String, Raw);

/// The requests of the words behind `curl`; `input` is what the shell gives to its standard input.
///
/// # Errors
///
/// What cannot be read, and what to do.
pub(super) fn requests(words: Vec<String>, input: Option<&str>) -> Result<Vec<Request>, String> {
    let mut requests = Vec::new();
    let mut curl = Curl::default();
    let mut words = words.into_iter();
    let mut only_addresses = false;
    while let Some(word) = words.next() {
        if word == "--" {
            only_addresses = true;
        } else if only_addresses || !word.starts_with('-') || word == "-" {
            curl.urls.push(address(&word)?);
        } else {
            no_other_program(&word)?;
            for option in options(&word)? {
                match option {
                    Opt::Flag("next") if curl.urls.is_empty() => curl = Curl::default(),
                    Opt::Flag("next") => requests.extend(std::mem::take(&mut curl).end()?),
                    Opt::Flag(name) => curl.flag(name),
                    Opt::Valued(name, attached) => {
                        let value = attached.or_else(|| words.next());
                        // `-h` alone prints the help.
                        let value = value.or_else(|| (name == "help").then(String::new));
                        let value = value.ok_or_else(|| format!("{} has no value", shown(&word, name)))?;
                        curl.valued(name, value, input)?;
                    }
                }
            }
        }
    }
    requests.extend(curl.end()?);
    Ok(requests)
}

fn shown(word: &str, name: &str) -> String {
    if word.starts_with("--") { format!("--{name}") } else { word.to_owned() }
}

/// PowerShell has a different command called curl.
fn no_other_program(word: &str) -> Result<(), String> {
    let own = ["-uri", "-method", "-headers", "-body", "-contenttype", "-websession", "-usebasicparsing"];
    if own.contains(&word.to_lowercase().as_str()) {
        return Err("it is a command of PowerShell; copy the request with Copy as cURL (bash)".into());
    }
    Ok(())
}

/// The address as curl reads it: an address without a scheme is HTTP.
fn address(word: &str) -> Result<String, String> {
    let word = word.trim();
    if word.contains(['“', '”', '‘', '’']) {
        return Err("its quotation marks are typographic; copy the command directly from the browser".into());
    }
    if word.starts_with('$') || word.starts_with("{{") || word.starts_with('%') {
        return Err("its URL begins with a variable; write the address in its place".into());
    }
    if word.contains("://") {
        return Ok(word.to_owned());
    }
    // An argument that lost its quotation marks is not a host.
    if word != "localhost" && !word.contains(['.', ':', '/']) {
        return Err("its URL cannot be read: it has no host; is a value not in quotation marks?".into());
    }
    Ok(format!("http://{}", word.trim_start_matches('/')))
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of curl")]
struct Curl {
    urls: Vec<String>,
    method: Option<String>,
    headers: Vec<(String, String)>,
    data: Vec<String>,
    json: Vec<String>,
    form: Vec<(String, String)>,
    query: Vec<String>,
    in_query: bool,
    /// Braces and brackets of the address stand for themselves.
    is_literal: bool,
    head: bool,
    upload: bool,
}

impl Curl {
    fn flag(&mut self, name: &str) {
        match name {
            "get" => self.in_query = true,
            "globoff" => self.is_literal = true,
            "head" => self.head = true,
            _ => {}
        }
    }

    fn valued(&mut self, name: &str, value: String, input: Option<&str>) -> Result<(), String> {
        match name {
            "request" => self.method = Some(value),
            "header" => self.header(&value),
            "proxy-header" => {
                let (_, value) = value.split_once(':').unwrap_or(("", &value));
                self.secret(value.trim());
            }
            "cookie" => self.headers.push(("cookie".into(), value)),
            "user" | "proxy-user" | "cert" | "proxy-cert" => {
                self.secret(value.split_once(':').map_or("", |(_, password)| password));
            }
            "proxy" | "preproxy" | "proxy1.0" | "socks4" | "socks4a" | "socks5" | "socks5-hostname" | "referer" => {
                let password = url::Url::parse(&value).ok().and_then(|url| url.password().map(str::to_owned));
                self.secret(&password.unwrap_or_default());
            }
            "oauth2-bearer" | "pass" | "proxy-pass" | "tlspassword" | "proxy-tlspassword" => self.secret(&value),
            "data" | "data-ascii" | "data-binary" => self.data.push(content(value, input)?),
            "data-raw" => self.data.push(value),
            "data-urlencode" => self.data.extend(encoded(&value)),
            "json" => self.json.push(content(value, input)?),
            "form" => self.form(&value, true)?,
            "form-string" => self.form(&value, false)?,
            "url-query" => self.query.extend(match value.strip_prefix('+') {
                Some(raw) => Some(raw.to_owned()),
                None => encoded(&value),
            }),
            "upload-file" => self.upload = true,
            "url" => self.urls.push(address(&value)?),
            "config" => {
                return Err(
                    "it reads options from a file (--config), which is not opened; write them into the command".into(),
                );
            }
            "variable" => return Err("it uses variables of curl, which are not replaced; write their values".into()),
            _ => {}
        }
        Ok(())
    }

    fn header(&mut self, header: &str) {
        let (name, value) = header.split_once(':').unwrap_or((header, ""));
        self.headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }

    /// Keeps a value that must never be written.
    fn secret(&mut self, value: &str) {
        self.headers.push(("x-password".into(), value.to_owned()));
    }

    /// A part of a form. What follows the value says how it is sent.
    fn form(&mut self, form: &str, with_type: bool) -> Result<(), String> {
        let (name, value) = form.split_once('=').ok_or("a part of its form has no `=`")?;
        let is_file = with_type && value.starts_with('@');
        let value = if with_type && value.starts_with('<') { FILE } else { value };
        let ends = [";type=", ";filename=", ";headers=", ";encoder="];
        let end = ends.iter().filter_map(|end| value.find(end)).min().filter(|_| with_type).unwrap_or(value.len());
        let value = value[..end].trim_matches(if with_type { '"' } else { '\0' });
        self.form.push((name.to_owned(), if is_file { String::new() } else { value.to_owned() }));
        Ok(())
    }

    fn end(self) -> Result<Vec<Request>, String> {
        if self.urls.is_empty() {
            return Err("it names no URL".into());
        }
        let urls = self.urls.iter().map(|url| if self.is_literal { Ok(url.clone()) } else { without_globs(url) });
        let urls = urls.collect::<Result<Vec<_>, String>>()?;
        let in_body = !self.in_query && !self.head;
        let sends = !self.data.is_empty() || !self.json.is_empty() || !self.form.is_empty();
        let data = if self.json.is_empty() { self.data.join("&") } else { self.json.concat() };
        let usual = match () {
            () if self.head => "HEAD",
            () if sends && in_body => "POST",
            () if self.upload => "PUT",
            () => "GET",
        };
        let content_type = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case("content-type"));
        let usual_type = if self.json.is_empty() { "" } else { "application/json" };
        let content_type = content_type.map_or(usual_type, |(_, value)| value).to_owned();
        let mut query = self.query;
        query.extend((!in_body && !data.is_empty()).then(|| data.clone()));
        let method = self.method.unwrap_or_else(|| usual.to_owned());
        let request = |url: String| {
            let raw = Raw {
                method: method.clone(),
                content_type: content_type.clone(),
                body: if in_body { data.clone().into_bytes() } else { Vec::new() },
                fields: self.form.clone(),
                headers: self.headers.clone(),
            };
            (with_query(&url, &query), raw)
        };
        Ok(urls.into_iter().map(request).collect())
    }
}

/// An address as curl sends it: a backslash before a brace or a bracket is taken off. Without one, curl makes several requests
/// of `{a,b}` or `[1-3]` in its path, and nothing says which of them is the action.
fn without_globs(url: &str) -> Result<String, String> {
    let path = url.find("://").map_or(0, |scheme| scheme + 3);
    let path = path + url[path..].find('/').unwrap_or(url.len() - path);
    let query = url.find('?').unwrap_or(url.len());
    let mut plain = String::new();
    let mut letters = url.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => {
                let escaped = letters.next_if(|(_, next)| "{}[]".contains(*next));
                plain.push(escaped.map_or('\\', |(_, escaped)| escaped));
            }
            '{' | '}' | '[' | ']' if (path..query).contains(&at) => {
                return Err(format!(
                    "its URL has `{letter}`, by which curl makes several requests; write one address, or add -g if it stands for itself"
                ));
            }
            letter => plain.push(letter),
        }
    }
    Ok(plain)
}

fn with_query(url: &str, query: &[String]) -> String {
    let (address, fragment) = url.split_once('#').unwrap_or((url, ""));
    let mut url = address.to_owned();
    for part in query {
        url.push(if url.contains('?') { '&' } else { '?' });
        url += part;
    }
    if fragment.is_empty() { url } else { format!("{url}#{fragment}") }
}

/// The content of a body. A file is not opened, but the standard input may stand in the text itself.
fn content(value: String, input: Option<&str>) -> Result<String, String> {
    match (value.strip_prefix('@'), input) {
        (None, _) => Ok(value),
        (Some("-"), Some(input)) => Ok(input.to_owned()),
        (Some(_), _) => Err("its body is in a file, which is not opened; put the body into the command".into()),
    }
}

/// What `--data-urlencode` sends: `content`, `=content`, `name=content`, `@file` or `name@file`.
fn encoded(value: &str) -> Option<String> {
    let (name, content) = match value.find(['=', '@']) {
        Some(at) if value[at..].starts_with('=') => (&value[..at], &value[at + 1..]),
        Some(at) => (&value[..at], FILE),
        None => ("", value),
    };
    let encoded = form_urlencoded::byte_serialize(content.as_bytes()).collect::<String>();
    (!name.is_empty()).then(|| format!("{name}={encoded}"))
}
