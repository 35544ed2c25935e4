//! A recorded exchange as a shell command that repeats it. Credentials are environment variables with the names that
//! bpconform itself reads; other masked values get a variable that is named like their field.

use bpconform_steps::credentials;
use bpconform_steps::evidence::{Exchange, RequestForm, SentBody, SentField, SentLogin};
use bpconform_steps::plain::plain;
use bpconform_steps::redact::MASK;
use url::form_urlencoded::byte_serialize;

/// The command line; `None` for a record of an earlier version, which does not contain how a request was sent.
pub fn line(exchange: &Exchange) -> Option<String> {
    let form = exchange.form.as_ref()?;
    let names = || exchange.request_headers.iter().map(|(name, _)| name).chain(&form.operator_headers);
    // A record may come from anywhere, and curl would read `@` or `-` as a file or an option. In a request with a body, a
    // value of the query cannot become a variable.
    let hides_query = form.query.iter().any(|field| variable(field).is_some());
    if !names().all(|name| is_token(name)) || hides_query && form.body != SentBody::None {
        return None;
    }
    // -g: curl must not expand brackets and braces in the address.
    let mut words = vec!["curl -sS -g".to_owned()];
    words.push(match exchange.method.as_str() {
        "GET" => "-i".to_owned(),
        "HEAD" => "-I".to_owned(),
        method => format!("-i -X {}", quoted(method)),
    });
    words.extend(login(form));
    words.extend(exchange.request_headers.iter().map(|(name, value)| header(name, value)));
    let of_operator = form.operator_headers.iter();
    words.extend(of_operator.map(|name| format!("-H {}", hidden_header(name))));
    words.extend(body(exchange, &form.body));
    words.extend(address(exchange, form));
    let line = words.join(" ");
    match piped(exchange, &form.body)[..] {
        [] => Some(line),
        [text] => Some(format!("{} | {line}", printed(text))),
        // There is only one standard input.
        _ => None,
    }
}

fn login(form: &RequestForm) -> Option<String> {
    let word = match form.login {
        SentLogin::None => return None,
        SentLogin::Author => "-u \"$BPCONFORM_AUTHOR_USER:$BPCONFORM_AUTHOR_PASSWORD\"",
        SentLogin::AuthorToken => "-H \"Authorization: Bearer $BPCONFORM_AUTHOR_TOKEN\"",
        SentLogin::OtherUser => "-u \"$BPCONFORM_USER:$BPCONFORM_PASSWORD\"",
        SentLogin::Console => "-H \"Authorization: Bearer $BPCONFORM_CONSOLE_TOKEN\"",
        SentLogin::AccessToken => "-H \"Authorization: Bearer $BPCONFORM_ACCESS_TOKEN\"",
        SentLogin::MadeUpToken => "-H 'Authorization: Bearer made-up'",
    };
    Some(word.to_owned())
}

fn header(name: &str, value: &str) -> String {
    if value.contains(MASK) {
        return format!("-H {}", hidden_header(name));
    }
    format!("-H {}", quoted(&format!("{name}: {value}")))
}

/// A header whose value is a variable. The variable is never one of the credentials, whatever the header's name.
fn hidden_header(name: &str) -> String {
    with_variable(&format!("{name}: "), &variable_of("HEADER_", name))
}

/// Whether a text can be the name of a header (RFC 9110, section 5.6.2).
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

/// The name of a file in the working directory, without characters that are special to curl.
fn file_name(name: &str) -> String {
    let is_plain = |c: &char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    format!("./{}", base.chars().filter(is_plain).collect::<String>())
}

/// The texts that curl must read from its standard input: a shell drops line feeds at the end of what a command prints.
fn piped<'a>(exchange: &'a Exchange, body: &'a SentBody) -> Vec<&'a str> {
    match body {
        SentBody::None | SentBody::Urlencoded(_) => Vec::new(),
        SentBody::Multipart { fields, .. } => {
            fields.iter().filter(|field| ends_in_line_feed(field)).map(|field| field.value.as_str()).collect()
        }
        SentBody::Bytes(_) => whole(exchange).filter(|text| text.ends_with('\n')).into_iter().collect(),
    }
}

/// Whether a field that is sent as it stands ends in a line feed.
fn ends_in_line_feed(field: &SentField) -> bool {
    variable(field).is_none() && field.value.ends_with('\n')
}

/// The text of a body of which nothing is missing.
fn whole(exchange: &Exchange) -> Option<&str> {
    let body = &exchange.request_body;
    (!body.capped && body.text.len() == body.bytes && !body.text.contains('\u{fffd}')).then_some(body.text.as_str())
}

fn body(exchange: &Exchange, body: &SentBody) -> Vec<String> {
    match body {
        SentBody::None if exchange.method == "POST" => vec!["--data ''".to_owned()],
        SentBody::None => Vec::new(),
        SentBody::Urlencoded(fields) if fields.is_empty() => vec!["--data ''".to_owned()],
        SentBody::Urlencoded(fields) => {
            let word = |field: &SentField| match encoded(&field.name) {
                name if ends_in_line_feed(field) => format!("--data-raw '{name}={}'", encoded(&field.value)),
                name => format!("--data-urlencode {}", pair(field, &name)),
            };
            fields.iter().map(word).collect()
        }
        SentBody::Multipart { fields, file } => {
            let fields = fields.iter().map(|field| {
                if ends_in_line_feed(field) {
                    return format!("-F {}", quoted(&format!("{}=<-", field.name)));
                }
                format!("--form-string {}", pair(field, &field.name))
            });
            let file = file.iter().map(|(field, name, kind)| {
                format!("-F {}", quoted(&format!("{field}=@{};type={kind}", file_name(name))))
            });
            fields.chain(file).collect()
        }
        SentBody::Bytes(kind) => {
            let data = match whole(exchange) {
                Some(text) if text.ends_with('\n') => "--data-binary @-".to_owned(),
                Some(text) => format!("--data-raw {}", quoted(text)),
                None => "--data-binary @body".to_owned(),
            };
            vec![format!("-H {}", quoted(&format!("Content-Type: {kind}"))), data]
        }
    }
}

/// The address with its query. curl itself encodes the values of variables.
fn address(exchange: &Exchange, form: &RequestForm) -> Vec<String> {
    let (open, hidden): (Vec<&SentField>, Vec<&SentField>) =
        form.query.iter().partition(|field| variable(field).is_none());
    let query: Vec<String> =
        open.iter().map(|field| format!("{}={}", encoded(&field.name), encoded(&field.value))).collect();
    let mark = if exchange.url.contains('?') { "&" } else { "?" };
    let url =
        if query.is_empty() { exchange.url.clone() } else { format!("{}{mark}{}", exchange.url, query.join("&")) };
    let mut words: Vec<String> = Vec::new();
    if !hidden.is_empty() {
        words.push("-G".to_owned());
        words.extend(hidden.iter().map(|field| format!("--data-urlencode {}", pair(field, &encoded(&field.name)))));
    }
    words.push(format!("--url {}", quoted(&url)));
    words
}

/// `name=value`, or `name=$VARIABLE`.
fn pair(field: &SentField, name: &str) -> String {
    match variable(field) {
        Some(variable) => with_variable(&format!("{name}="), &variable),
        None => quoted(&format!("{name}={}", field.value)),
    }
}

fn variable(field: &SentField) -> Option<String> {
    let own = |name: &&str| *name == "BPCONFORM_AUTHOR_USER" || !name.starts_with("BPCONFORM_AUTHOR");
    let known = |name: &str| credentials::ALL.iter().map(|it| it.name).filter(own).find(|known| *known == name);
    // A record may come from anywhere: the login of the Author must not go to another system, and a variable that is not a
    // known credential must not be sent at all.
    match field.variable.as_deref().map(known) {
        Some(Some(known)) => Some(known.to_owned()),
        Some(None) => Some(variable_of("FIELD_", &field.name)),
        None => field.value.contains(MASK).then(|| variable_of("FIELD_", &field.name)),
    }
}

/// The variable for a masked value: `BPCONFORM_FIELD_JWT_TOKEN` for the field `jwt_token`.
fn variable_of(kind: &str, name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    format!(
        "BPCONFORM_{kind}{}",
        name.trim_matches(|c: char| !c.is_ascii_alphanumeric()).chars().map(plain).collect::<String>()
    )
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

/// A text followed by a variable, as one word of a POSIX shell.
fn with_variable(text: &str, variable: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "=:_-.%+@/ ".contains(c);
    if text.chars().all(is_plain) {
        return format!("\"{text}${variable}\"");
    }
    format!("{}\"${variable}\"", quoted(text))
}

/// A text as one word of a POSIX shell, on one line and without control characters.
fn quoted(text: &str) -> String {
    if text.chars().any(char::is_control) || plain(text) != text {
        return format!("\"$({})\"", printed(text));
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The command that prints a text.
fn printed(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b' ' | b'=' | b'/' | b'.' | b'-' | b'_' => {
            char::from(byte).to_string()
        }
        other => format!("\\0{other:03o}"),
    };
    format!("printf %b '{}'", text.bytes().map(byte).collect::<String>())
}

#[cfg(test)]
mod tests {
    use bpconform_steps::evidence::{Outcome, Text};

    use super::*;

    fn exchange(method: &str, form: RequestForm) -> Exchange {
        Exchange {
            surface: "author.x".into(),
            method: method.into(),
            url: "http://a/b".into(),
            request_headers: Vec::new(),
            request_body: Text::default(),
            started_us: 0,
            took_us: 0,
            retries: 0,
            read: None,
            shared: false,
            form: Some(form),
            outcome: Outcome::Error(String::new()),
        }
    }

    fn field(name: &str, value: &str, variable: Option<&str>) -> SentField {
        SentField { name: name.into(), value: value.into(), variable: variable.map(str::to_owned) }
    }

    #[test]
    fn a_credential_is_a_variable_and_a_text_is_one_word() {
        let form = RequestForm {
            login: SentLogin::Author,
            query: vec![field("q", "it's [1]", None)],
            ..RequestForm::default()
        };
        let command = line(&exchange("GET", form)).expect("a line");
        let login = "-u \"$BPCONFORM_AUTHOR_USER:$BPCONFORM_AUTHOR_PASSWORD\"";
        assert_eq!(command, format!("curl -sS -g -i {login} --url 'http://a/b?q=it%27s+%5B1%5D'"));
        let form = RequestForm {
            body: SentBody::Urlencoded(vec![
                field("client_secret", "", Some("BPCONFORM_IMS_CLIENT_SECRET")),
                field("jwt_token", MASK, None),
                field("a@b", "x'y", None),
            ]),
            ..RequestForm::default()
        };
        let command = line(&exchange("POST", form)).expect("a line");
        let fields = "--data-urlencode \"client_secret=$BPCONFORM_IMS_CLIENT_SECRET\" --data-urlencode \
            \"jwt_token=$BPCONFORM_FIELD_JWT_TOKEN\" --data-urlencode 'a%40b=x'\\''y'";
        assert_eq!(command, format!("curl -sS -g -i -X 'POST' {fields} --url 'http://a/b'"));
    }

    #[test]
    fn no_text_of_a_record_becomes_a_command() {
        let body =
            SentBody::Urlencoded(vec![field("a", "$(b)`c`", Some("BPCONFORM_X\"; d #")), field("e'$(f)", MASK, None)]);
        let command = line(&exchange("G;h", RequestForm { body, ..RequestForm::default() })).expect("a line");
        let body =
            "--data-urlencode \"a=$BPCONFORM_FIELD_A\" --data-urlencode \"e%27%24%28f%29=$BPCONFORM_FIELD_E___F\"";
        assert_eq!(command, format!("curl -sS -g -i -X 'G;h' {body} --url 'http://a/b'"));
    }

    #[test]
    fn no_text_of_a_record_names_a_file_or_a_credential_of_another_system() {
        let bytes = RequestForm { body: SentBody::Bytes("text/plain".into()), ..RequestForm::default() };
        let request_body = Text { text: "@/etc/passwd".into(), bytes: 12, ..Text::default() };
        let command =
            line(&Exchange { request_body, url: "-o/tmp/x".into(), ..exchange("POST", bytes) }).expect("a line");
        assert!(command.ends_with("--data-raw '@/etc/passwd' --url '-o/tmp/x'"), "{command}");
        let file = Some(("package".to_owned(), "/etc/pass wd;x".to_owned(), "application/zip".to_owned()));
        let parts = SentBody::Multipart { fields: Vec::new(), file };
        let command = line(&exchange("POST", RequestForm { body: parts, ..RequestForm::default() })).expect("a line");
        assert!(command.contains("-F 'package=@./passwdx;type=application/zip'"), "{command}");
        let password = field("a", "", Some("BPCONFORM_AUTHOR_PASSWORD"));
        let body = SentBody::Urlencoded(vec![password]);
        let form = RequestForm { operator_headers: vec!["Author-Password".into()], body, ..RequestForm::default() };
        let command = line(&exchange("POST", form)).expect("a line");
        assert!(!command.contains("$BPCONFORM_AUTHOR_PASSWORD"), "{command}");
        let odd = RequestForm { operator_headers: vec!["@file".into()], ..RequestForm::default() };
        assert_eq!(line(&exchange("GET", odd)), None);
    }

    #[test]
    fn what_steers_a_terminal_is_written_in_octal() {
        assert_eq!(quoted("a\u{1b}[31m\n"), "\"$(printf %b 'a\\0033\\013331m\\0012')\"");
    }

    #[test]
    fn a_line_feed_at_the_end_is_not_lost() {
        let field = || field("a", "x\n", None);
        let post = |body| line(&exchange("POST", RequestForm { body, ..RequestForm::default() })).expect("a line");
        let told = post(SentBody::Urlencoded(vec![field(), field()]));
        assert!(told.contains("--data-raw 'a=x%0A' --data-raw 'a=x%0A'"), "{told}");
        let two = SentBody::Multipart { fields: vec![field(), field()], file: None };
        assert_eq!(line(&exchange("POST", RequestForm { body: two, ..RequestForm::default() })), None);
        let told = post(SentBody::Multipart { fields: vec![field()], file: None });
        assert!(told.starts_with("printf %b 'x\\0012' | curl ") && told.contains("-F 'a=<-'"), "{told}");
        let bytes = RequestForm { body: SentBody::Bytes("text/plain".into()), ..RequestForm::default() };
        let request_body = Text { text: "x\n".into(), bytes: 2, ..Text::default() };
        let told = line(&Exchange { request_body, ..exchange("POST", bytes) }).expect("a line");
        assert!(told.starts_with("printf %b 'x\\0012' | curl ") && told.contains("--data-binary @-"), "{told}");
    }

    #[test]
    fn a_record_that_does_not_say_how_a_request_was_sent_has_no_line() {
        assert_eq!(line(&Exchange { form: None, ..exchange("GET", RequestForm::default()) }), None);
    }
}
