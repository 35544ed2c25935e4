//! The fields of a request's body, for every way in which browsers and proxies record it.

use multer::Multipart;

use super::lenient::Lenient;

/// The maximum length of a field's name, in characters. Anything longer is a value without a name.
const LONGEST_NAME: usize = 100;

/// The fields of a body: of a form of either encoding, or of a JSON object's first level.
///
/// Recorders omit the content type, or record another one: then the body's beginning decides.
pub fn fields(content_type: &str, body: &[u8]) -> Vec<(String, String)> {
    let (own_type, body) = without_part_headers(body);
    let content_type =
        if content_type.trim().is_empty() { own_type.as_deref().unwrap_or_default() } else { content_type };
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_lowercase();
    let begins = |with: &[u8]| body.trim_ascii_start().starts_with(with);
    let fields = match kind.as_str() {
        "multipart/form-data" => multipart(content_type, own_type.as_deref(), body),
        "" | "application/x-www-form-urlencoded" | "text/plain" if begins(b"{") => json(body),
        "" | "text/plain" if begins(b"--") => multipart(content_type, None, body),
        "" | "application/x-www-form-urlencoded" | "text/plain" => form(body),
        kind if kind == "application/json" || kind.ends_with("+json") => json(body),
        _ => Vec::new(),
    };
    fields.into_iter().filter(|(name, _)| is_name(name)).collect()
}

/// Whether a text can be the name of a field. Anything else is a value or a body that was parsed as a name, and would be
/// written into the generated file.
pub fn is_name(name: &str) -> bool {
    let odd = |c: char| c.is_control() || c.is_whitespace() || "{}\"'<>=&,;\\|".contains(c);
    !name.is_empty() && name.chars().count() <= LONGEST_NAME && !name.contains(odd)
}

/// The pairs of a form. A piece without `=` may be a value alone, and is left out.
fn form(body: &[u8]) -> Vec<(String, String)> {
    let pieces = body.split(|byte| *byte == b'&').map(<[u8]>::trim_ascii).filter(|piece| piece.contains(&b'='));
    let pairs = pieces.flat_map(url::form_urlencoded::parse);
    pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn json(body: &[u8]) -> Vec<(String, String)> {
    match serde_json::from_reader(Lenient::new(body)) {
        Ok(serde_json::Value::Object(object)) => {
            object.into_iter().map(|(name, value)| (name, plain(&value))).collect()
        }
        _ => Vec::new(),
    }
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Firefox writes the headers of the body before the body: the content type among them, and what follows them.
fn without_part_headers(body: &[u8]) -> (Option<String>, &[u8]) {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    // Text without headers does not parse as a complete block of headers.
    match httparse::parse_headers(body, &mut headers) {
        Ok(httparse::Status::Complete((end, headers))) if !headers.is_empty() => {
            let own = headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-type"));
            (own.map(|header| String::from_utf8_lossy(header.value).into_owned()), &body[end..])
        }
        _ => (None, body),
    }
}

/// The fields of a multipart body. Its boundary is given in the content type, in the body's own headers, or
/// in its first line.
fn multipart(content_type: &str, own_type: Option<&str>, body: &[u8]) -> Vec<(String, String)> {
    let first_line = || {
        let line = body.trim_ascii_start().split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
        let boundary = std::str::from_utf8(line.strip_prefix(b"--")?).ok()?.trim_end();
        (!boundary.is_empty()).then(|| boundary.to_owned())
    };
    let told = [Some(content_type), own_type].into_iter().flatten();
    let told = told.filter_map(|content_type| multer::parse_boundary(content_type).ok());
    let mut boundaries = told.chain(first_line());
    let read = |boundary: String| futures::executor::block_on(parts(&boundary, body));
    boundaries.find_map(|boundary| Some(read(boundary)).filter(|fields| !fields.is_empty())).unwrap_or_default()
}

/// The parts up to the first that is not whole.
async fn parts(boundary: &str, body: &[u8]) -> Vec<(String, String)> {
    let bytes = whole(boundary, body);
    let stream = futures::stream::once(async move { Ok::<_, std::convert::Infallible>(bytes) });
    let mut parts = Multipart::new(stream, boundary);
    let mut fields = Vec::new();
    while let Ok(Some(part)) = parts.next_field().await {
        let name = part.name().unwrap_or_default().to_owned();
        let is_file = part.file_name().is_some();
        let Ok(value) = part.text().await else { break };
        fields.push((name, if is_file { String::new() } else { value }));
    }
    fields
}

/// The body with the line ends that a recorder may have shortened, and with the end that it may have cut off.
fn whole(boundary: &str, body: &[u8]) -> Vec<u8> {
    let mut whole = body.trim_ascii_start().to_vec();
    if !body.windows(2).any(|pair| pair == b"\r\n") {
        whole = whole.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..]);
    }
    let end = format!("--{boundary}--");
    if !whole.windows(end.len()).any(|window| window == end.as_bytes()) {
        whole.extend_from_slice(format!("\r\n{end}\r\n").as_bytes());
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: &str = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1 2\r\n--B\r\nContent-Disposition: form-data; \
        name=\"f\"; filename=\"x.bin\"\r\n\r\nsecret\r\n--B--\r\n";

    fn wanted() -> Vec<(String, String)> {
        vec![("a".to_owned(), "1 2".to_owned())]
    }

    #[test]
    fn fields_of_every_encoding_are_read() {
        for (content_type, body) in [
            ("application/x-www-form-urlencoded; charset=UTF-8", "a=1+2"),
            ("", "a=1%202"),
            ("text/plain", "a=1+2\r\n"),
            ("application/json", r#"{"a":"1 2"}"#),
            ("application/problem+json; charset=utf-8", r#"{"a":"1 2"}"#),
            ("", r#" {"a":"1 2"}"#),
            ("application/x-www-form-urlencoded", r#"{"a":"1 2"}"#),
        ] {
            assert_eq!(fields(content_type, body.as_bytes()), wanted(), "{content_type} {body}");
        }
        assert_eq!(fields("application/octet-stream", b"a=1"), []);
    }

    #[test]
    fn a_multipart_body_is_read_however_it_was_recorded() {
        let mut wanted = wanted();
        wanted.push(("f".to_owned(), String::new()));
        let with_lines = PARTS.replace("\r\n", "\n");
        let cut = PARTS.trim_end_matches("--B--\r\n");
        let with_headers = format!("Content-Type: multipart/form-data; boundary=B\r\nContent-Length: 9\r\n\r\n{PARTS}");
        let after_a_line = format!("\r\n{PARTS}");
        for (content_type, body) in [
            ("multipart/form-data; boundary=B", PARTS),
            ("multipart/form-data; boundary=\"B\"", PARTS),
            ("multipart/form-data", PARTS),
            ("multipart/form-data; boundary=other", PARTS),
            ("", PARTS),
            ("multipart/form-data; boundary=B", with_lines.as_str()),
            ("multipart/form-data", with_lines.as_str()),
            ("multipart/form-data; boundary=B", cut),
            ("multipart/form-data", with_headers.as_str()),
            ("", with_headers.as_str()),
            ("multipart/form-data; boundary=B", after_a_line.as_str()),
        ] {
            assert_eq!(fields(content_type, body.as_bytes()), wanted, "{content_type} {body}");
        }
        assert_eq!(fields("multipart/form-data", b"--B"), []);
    }

    #[test]
    fn headers_before_a_form_are_no_field() {
        let body = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 5\r\n\r\na=1+2";
        assert_eq!(fields("application/x-www-form-urlencoded", body), wanted());
        assert_eq!(fields("", body), wanted());
    }

    #[test]
    fn a_value_that_lost_its_name_is_no_field() {
        for body in [
            "p8e-s3cret-canary",
            "cDhlLXMzY3JldC1jYW5hcnk",
            "clientSecret p8e=s3cret",
            "{\"clientSecret\":\"p8e-s3cret",
            "<a secret='x'>=1",
            "[\"p8e=s3cret\"]",
        ] {
            assert_eq!(fields("", body.as_bytes()), [], "{body}");
        }
        assert_eq!(fields("", format!("{}=1", "x".repeat(101)).as_bytes()), []);
    }
}
