//! What the target answered, read whole, and the questions that steps ask about it. An answer that is not of the kind
//! that was asked for is an error that says what came instead: whatever stands between the run and its target may answer
//! 200 with a page of its own.

use serde_json::Value;
use url::Url;

use crate::plain::plain_line;
use crate::problem::{Checked, Problem};
use crate::redact::Redactor;

/// How many values a document of JSON may have at most: each takes about a hundred bytes of memory.
const MOST_VALUES: usize = 500_000;

/// How much of a body is looked at for an excerpt, in bytes.
const LOOKED_AT: usize = 16 * 1024;

/// The ids of Sling's page that says what a POST did (surfaces.md §5.7).
const SAYS_WHAT_WAS_DONE: [&str; 4] = ["id=\"Status\"", "id=\"Message\"", "id=\"Path\"", "id=\"ChangeLog\""];

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The surface that was asked.
    pub surface: String,
    /// In capitals.
    pub method: String,
    /// The address that answered.
    pub url: Url,
    /// The HTTP status.
    pub status: u16,
    /// Header names in lower case and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// What masks the secrets in what is quoted of it.
    pub redactor: Redactor,
}

impl Reply {
    /// The first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The reply, if its status is one of these; otherwise an error that says what a 302, 401, 403 … means.
    pub fn expect_status(self, expected: &[u16]) -> Checked<Self> {
        if expected.contains(&self.status) {
            return Ok(self);
        }
        let wanted = expected.iter().map(u16::to_string).collect::<Vec<_>>().join(" or ");
        Err(Problem::error(format!("{} answered {}, not {wanted}{}", self.what(), self.status, self.meaning())))
    }

    /// The body as JSON; a login page or a broken body is an error that says so.
    pub fn json(&self) -> Checked<Value> {
        self.parsed().map_err(|problem| {
            let html = self.looks_like_html();
            self.instead(&if html { format!("an HTML page{}", self.meaning()) } else { problem })
        })
    }

    fn parsed(&self) -> Result<Value, String> {
        // Each value has one of these before it. Counting them costs nothing; a hostile document could fill all memory.
        if self.body.iter().filter(|byte| b",:[{".contains(byte)).nth(MOST_VALUES).is_some() {
            return Err(format!("JSON of more than {MOST_VALUES} values, which was not read"));
        }
        serde_json::from_slice(&self.body).map_err(|error| format!("no valid JSON ({error})"))
    }

    /// The body as a page for people that says `proof`, which only the right page does. Another page, or one that is cut
    /// off, is an error.
    pub fn page(&self, proof: impl Fn(&str) -> bool) -> Checked<String> {
        let text = self.text();
        if self.is_login() || !proof(&text) {
            return Err(self.instead(&format!("another page than was asked for{}", self.meaning())));
        }
        if self.is_cut_off() {
            return Err(self.instead("a page that is cut off"));
        }
        Ok(text)
    }

    /// The body as a file, whatever it holds. A page or a document of JSON in its place is an error.
    pub fn file(&self) -> Checked<&[u8]> {
        let kind = self.header("content-type").unwrap_or_default();
        if self.looks_like_html() || ["text/html", "application/json"].iter().any(|other| kind.starts_with(other)) {
            return Err(self.instead("something else than the file"));
        }
        Ok(&self.body)
    }

    /// The reply, if it is one to a change that was made: nothing, JSON, Sling's page that says what was done, or a text.
    /// Any other page is an error: it may be that of a gateway, and nothing was changed.
    pub(crate) fn for_change(self) -> Checked<Self> {
        if self.body.is_empty() {
            return Ok(self);
        }
        let text = std::str::from_utf8(&self.body).map_err(|_| self.instead("what is no text"))?;
        if text.trim_start().starts_with(['{', '[']) {
            self.json()?;
        } else if self.looks_like_html() {
            let says = |page: &str| SAYS_WHAT_WAS_DONE.iter().any(|id| page.contains(id));
            self.page(says)
                .map_err(|_| self.instead(&format!("a page that does not say what was done{}", self.meaning())))?;
        }
        Ok(self)
    }

    /// An error that says what came in place of what was asked for.
    pub fn instead(&self, what: &str) -> Problem {
        Problem::error(format!("{} answered {} with {what}; {}", self.what(), self.status, self.excerpt()))
    }

    /// Whether the body is a page for people.
    pub fn looks_like_html(&self) -> bool {
        let start = String::from_utf8_lossy(&self.body[..self.body.len().min(512)]).to_lowercase();
        start.contains("<html") || start.contains("<!doctype html")
    }

    /// Whether a page begins and does not end.
    pub fn is_cut_off(&self) -> bool {
        self.looks_like_html() && !self.text().to_ascii_lowercase().contains("</html")
    }

    /// Whether the body is AEM's login page.
    pub fn is_login(&self) -> bool {
        let text = String::from_utf8_lossy(&self.body);
        text.contains("QUICKSTART_HOMEPAGE") || text.contains("j_security_check")
    }

    /// `GET http://…`, for messages.
    pub fn what(&self) -> String {
        format!("{} {}", self.method, self.url)
    }

    /// The first characters of the body on one line, for messages, without secrets; what could steer a terminal is left
    /// out.
    pub fn excerpt(&self) -> String {
        // What is masked after a cut may show most of a secret.
        let start =
            self.redactor.redact_foreign(&String::from_utf8_lossy(&self.body[..self.body.len().min(LOOKED_AT)]));
        let short: String = plain_line(&start).chars().take(120).collect();
        if short.is_empty() { "the body is empty".into() } else { format!("the body begins: {short}") }
    }

    fn meaning(&self) -> &'static str {
        match self.status {
            301 | 302 | 303 | 307 | 308 if self.header("location").is_some_and(|to| to.contains("login")) => {
                ": it redirects to a login page; are user and password right?"
            }
            301 | 302 | 303 | 307 | 308 => ": it redirects; are the address, its scheme and its context path right?",
            401 => ": the credentials were not accepted",
            403 => ": the user may not do this",
            _ if self.is_login() => ", a login page; are user and password right?",
            404 => ": there is nothing; is it an AEM Author, and is the context path right?",
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Kind;

    fn reply(body: impl Into<Vec<u8>>) -> Reply {
        Reply {
            surface: "author.node-write".into(),
            method: "POST".into(),
            url: Url::parse("http://localhost/a").expect("a URL"),
            status: 200,
            headers: Vec::new(),
            body: body.into(),
            redactor: Redactor::default(),
        }
    }

    #[test]
    fn an_answer_to_a_change_says_what_was_done_or_is_an_error() {
        let said = "<html><body><div id=\"Status\">200</div></body></html>";
        for body in ["", "com.adobe.x.1", r#"{"status.code":200}"#, said] {
            assert!(reply(body).for_change().is_ok(), "{body}");
        }
        let cut = said.replace("</html>", "");
        for body in ["<html>Please log in</html>", "<html>j_security_check</html>", r#"{"status.c"#, &cut] {
            let problem = reply(body).for_change().expect_err(body);
            assert_eq!(problem.kind, Kind::Error);
            assert!(problem.reason.starts_with("POST http://localhost/a answered 200 with "), "{problem}");
        }
        assert!(reply([0xff, 0xfe]).for_change().is_err());
    }

    #[test]
    fn a_page_must_be_whole_and_the_right_one() {
        let is = |body: &str| reply(body).page(|page| page.contains("Queue is")).is_ok();
        assert!(is("<html>Queue is idle</html>") && is("<b>Queue is idle</b>"));
        assert!(!is("<html>Something went wrong</html>") && !is("<html>Queue is id"));
        assert!(!is("<html>Queue is QUICKSTART_HOMEPAGE</html>"), "a login page");
    }

    #[test]
    fn json_that_would_fill_the_memory_is_not_read() {
        let wide = format!("[0{}]", ",0".repeat(MOST_VALUES));
        let problem = reply(wide).json().expect_err("too many");
        assert!(problem.reason.contains("more than 500000 values"), "{problem}");
        assert!(reply("[0,0]").json().is_ok());
    }

    #[test]
    fn an_excerpt_is_masked_before_it_is_cut() {
        let before = "x".repeat(100);
        let mut reply = reply(format!("<p>{before} client_secret=canary-0123456789-0123456789</p>"));
        assert!(!reply.excerpt().contains("canary"), "{}", reply.excerpt());
        reply.redactor.learn("another-canary-of-tests");
        reply.body = format!("{before} another-canary-of-tests").into_bytes();
        assert!(!reply.excerpt().contains("another"), "{}", reply.excerpt());
    }

    #[test]
    fn an_excerpt_cannot_steer_a_terminal() {
        assert_eq!(reply("a\u{1b}[31m b\u{7}\n\nc").excerpt(), "the body begins: a␛[31m b␇ c");
    }
}
