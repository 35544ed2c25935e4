//! Reads a form from a request, whatever its encoding.

use std::convert::Infallible;

use futures::FutureExt;
use multer::{Constraints, Multipart, SizeLimit};

use crate::machine::{File, Form, Request};

/// The maximum size of a form body, in bytes.
pub const LIMIT: usize = 64 << 20;

impl Form {
    /// The fields of the query, then those of an urlencoded or multipart body; a body of any other type has none. The error
    /// says that the body is longer than [`LIMIT`] or malformed multipart.
    pub fn read(request: &Request) -> Result<Self, String> {
        let mut form = Self::default();
        for (name, value) in &request.query {
            form.add(name, value.clone());
        }
        if request.body.len() > LIMIT {
            return Err(format!("the form is longer than {LIMIT} bytes"));
        }
        let content_type = request.header("content-type").unwrap_or_default();
        if let Ok(boundary) = multer::parse_boundary(content_type) {
            form.read_multipart(request, &boundary)?;
        } else if is_urlencoded(content_type) {
            for (name, value) in url::form_urlencoded::parse(&request.body) {
                form.add(&name, value.into_owned());
            }
        }
        Ok(form)
    }

    fn add(&mut self, name: &str, value: String) {
        self.fields.entry(name.to_owned()).or_default().push(value);
    }

    fn read_multipart(&mut self, request: &Request, boundary: &str) -> Result<(), String> {
        let whole = hyper::body::Bytes::copy_from_slice(&request.body);
        let stream = futures::stream::once(async move { Ok::<_, Infallible>(whole) });
        let limits = Constraints::new().size_limit(SizeLimit::new().whole_stream(LIMIT as u64));
        let reading = self.read_parts(Multipart::with_constraints(stream, boundary, limits));
        // The whole body is in memory, so reading it never waits.
        reading.now_or_never().ok_or("the multipart body ends too early")?.map_err(|error| error.to_string())
    }

    async fn read_parts(&mut self, mut parts: Multipart<'_>) -> Result<(), multer::Error> {
        while let Some(part) = parts.next_field().await? {
            let Some(field) = part.name().map(str::to_owned) else { continue };
            let Some(name) = part.file_name().map(str::to_owned) else {
                let value = part.text().await?;
                self.add(&field, value);
                continue;
            };
            let content_type = part.content_type().map(ToString::to_string).unwrap_or_default();
            let content = part.bytes().await?.to_vec();
            self.files.insert(field, File { name, content_type, content });
        }
        Ok(())
    }
}

fn is_urlencoded(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(content_type: &str, body: &str) -> Request {
        Request {
            method: "POST".into(),
            path: "/".into(),
            query: vec![("a".into(), "1".into())],
            headers: vec![("content-type".into(), content_type.into())],
            body: body.into(),
        }
    }

    #[test]
    fn query_and_urlencoded_body_come_together() {
        let form = Form::read(&request("application/x-www-form-urlencoded; charset=UTF-8", "a=2&b=x+y%26z"));
        let form = form.expect("a form");
        assert_eq!(form.all("a"), ["1", "2"]);
        assert_eq!(form.get("b"), Some("x y&z"));
    }

    #[test]
    fn a_multipart_body_has_fields_and_files() {
        let body = "--X\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\nä\r\n--X\r\nContent-Disposition: form-data; \
                    name=\"file\"; filename=\"p.png\"\r\nContent-Type: image/png\r\n\r\n\u{1}\u{2}\r\n--X--\r\n";
        let form = Form::read(&request("multipart/form-data; boundary=X", body)).expect("a form");
        assert_eq!(form.get("b"), Some("ä"));
        let file = File { name: "p.png".into(), content_type: "image/png".into(), content: vec![1, 2] };
        assert_eq!(form.files.get("file"), Some(&file));
    }

    #[test]
    fn a_broken_multipart_body_is_an_error_and_another_type_is_no_form() {
        assert!(Form::read(&request("multipart/form-data; boundary=X", "--X\r\nnonsense")).is_err());
        let form = Form::read(&request("application/json", "b=1")).expect("a form");
        assert_eq!((form.get("b"), form.get("a")), (None, Some("1")));
    }
}
