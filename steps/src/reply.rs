//! A complete answer of a target, and functions that interpret it. An answer of an unexpected kind is an error that names
//! what was received instead, since a proxy or gateway between the run and its target may answer 200 with another page.

use std::time::Duration;

use bpconform_fixtures::Cause;
use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use crate::evidence::decoded_as;
use crate::html::Page;
use crate::plain::{beginning, plain_line};
use crate::problem::{Checked, Problem};
use crate::redact::Redactor;

/// The maximum number of values in a JSON document: each takes about a hundred bytes of memory.
const MOST_VALUES: usize = 500_000;

/// The age of the oldest answer that counts as the present state, in seconds: a proxy on the way may add some time to it.
const OLDEST: u64 = 5;

/// How much of a body is searched for an excerpt, in bytes.
const LOOKED_AT: usize = 16 * 1024;

/// The element ids of the page with which Sling reports the result of a POST (surfaces.md §5.7).
const SAYS_WHAT_WAS_DONE: [&str; 4] = ["Status", "Message", "Path", "ChangeLog"];

/// The classes of the page with which Granite answers a form.
const FORM_ANSWER: [&str; 4] = [
    "foundation-form-response-status-code",
    "foundation-form-response-status-message",
    "foundation-form-response-title",
    "foundation-form-response-description",
];

/// What Sling says when it finds nothing.
const NOT_FOUND: &str = "No resource found";

/// Texts that only occur in error pages of Sling and AEM.
const SLINGS_OWN: [&str; 5] =
    ["ApacheSling/", "Request Progress:", "/libs/sling/servlet/errorhandler", NOT_FOUND, "org.apache.sling"];

/// What Felix's HTTP service writes into the page with which it refuses a request. While an Author starts, it also answers 404
/// for everything, so that its pages count for a refusal only.
const FELIXS_OWN: &str = "org.apache.felix.http";

/// What Jetty answers over TLS when it knows no certificate for the host that was asked for (aem-cloud.md).
const INVALID_SNI: &str = "Invalid SNI";

/// The path of the Web Console, to which Felix refuses users.
const WEB_CONSOLE: &str = "/system/console/";

/// What the page of a gateway begins with if it leaves out the elements around it.
const PAGE_PARTS: [&str; 3] = ["<head", "<body", "<h1"];

/// Parts of the address of a login page, in lower case: paths, and parameters of SAML and OpenID Connect.
const LOGIN_ADDRESS: [&str; 6] = ["login", "saml", "/sso", "oauth2/", "openid", "signin"];

/// A complete answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The endpoint that was asked.
    pub surface: String,
    /// The method, in upper case.
    pub method: String,
    /// The address that answered.
    pub url: Url,
    /// The HTTP status.
    pub status: u16,
    /// Header names in lower case and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The redactor for excerpts of the answer.
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
        let (cause, meaning) = self.meaning();
        Err(Problem::error(format!("{} answered {}, not {wanted}{meaning}", self.what(), self.status)).because(cause))
    }

    /// The problem of an answer that does not come from a system of the target, such as the login of a proxy or a rate limit.
    pub(crate) fn obstacle(&self) -> Option<Problem> {
        if !matches!(self.status, 407 | 429) {
            return None;
        }
        let (cause, meaning) = self.meaning();
        Some(Problem::error(format!("{} answered {}{meaning}", self.what(), self.status)).because(cause))
    }

    /// The reply; an error if it was kept by a cache (header `Age`): it shows an earlier state, and perhaps another user's.
    /// No cache answers a request that writes, and what says that a system is not ready has its own meaning.
    pub(crate) fn not_from_cache(self) -> Checked<Self> {
        let age = self.header("age").and_then(|age| age.trim().parse::<u64>().ok()).unwrap_or_default();
        if age <= OLDEST || self.status >= 500 || !matches!(self.method.as_str(), "GET" | "HEAD") {
            return Ok(self);
        }
        let problem = Problem::error(format!(
            "{} was answered from a cache that is {age} s old: it does not show the present state; use the address of the \
             Author itself, or exclude it from the cache",
            self.what()
        ));
        Err(problem.because(Cause::GatewayInstead))
    }

    /// How long the answer asks to wait before the next attempt.
    pub fn retry_after(&self) -> Option<Duration> {
        let told = self.header("retry-after")?.trim();
        if let Ok(seconds) = told.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let at = jiff::fmt::rfc2822::parse(told).ok()?.timestamp();
        Some(Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default())
    }

    /// Whether the body is a page of another program than Sling and AEM, such as a web server or a gateway.
    pub fn is_foreign_page(&self) -> bool {
        self.looks_like_html() && !self.is_authors_own()
    }

    /// Whether the Author itself refuses something: with a page of Sling or of its HTTP service, or by saying that Sling found
    /// nothing.
    pub fn is_authors_own(&self) -> bool {
        let text = self.text();
        let is_felixs = self.status == 403 && text.contains(FELIXS_OWN);
        let found_nothing = self.status == 404 && self.is_plain_text() && text.contains(NOT_FOUND);
        is_felixs || found_nothing || self.is_slings_own_page()
    }

    /// Whether the body is a page of Sling or AEM.
    pub fn is_slings_own_page(&self) -> bool {
        let text = self.text();
        self.looks_like_html() && SLINGS_OWN.iter().any(|own| text.contains(own))
    }

    /// The body as JSON. The error names a login page or a malformed body.
    pub fn json(&self) -> Checked<Value> {
        self.parsed().map_err(|problem| {
            let html = self.looks_like_html();
            let (cause, meaning) = self.meaning();
            let cause = cause.or(html.then_some(Cause::GatewayInstead));
            self.instead(&if html { format!("an HTML page{meaning}") } else { problem }).because(cause)
        })
    }

    /// The body as JSON, from a console that does not escape the backslashes of Windows paths.
    pub fn lenient_json(&self) -> Checked<Value> {
        match self.json() {
            Err(problem) => serde_json::from_str(&with_escaped_backslashes(&self.text())).map_err(|_| problem),
            read => read,
        }
    }

    fn parsed(&self) -> Result<Value, String> {
        // Each value follows one of these characters. Counting them is cheap, and a hostile document could fill all memory.
        let may_be_hostile = self.body.len() > MOST_VALUES;
        if may_be_hostile && self.body.iter().filter(|byte| b",:[{".contains(byte)).nth(MOST_VALUES).is_some() {
            return Err(format!("JSON of more than {MOST_VALUES} values, which was not read"));
        }
        let body = self.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.body);
        serde_json::from_slice(body).map_err(|error| format!("no valid JSON ({error})"))
    }

    /// The body as an HTML page that contains `proof`, which only the expected page does. Another page or a truncated one is
    /// an error.
    pub fn page(&self, proof: impl Fn(&str) -> bool) -> Checked<String> {
        let text = self.text();
        if self.is_login() || !proof(&text) {
            let (cause, meaning) = self.meaning();
            return Err(self
                .instead(&format!("another page than was asked for{meaning}{}", self.in_language()))
                .because(cause));
        }
        if self.is_cut_off() {
            return Err(self.instead("a page that is cut off"));
        }
        Ok(text)
    }

    /// The body as a file with any content. An HTML page or a JSON document instead of the file is an error.
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
        let text = std::str::from_utf8(&self.body).map_err(|_| self.instead("bytes that are not UTF-8"))?;
        if text.trim_start().starts_with(['{', '[']) {
            let said = self.json()?;
            let status =
                said.get("status.code").and_then(|code| code.as_u64().or_else(|| code.as_str()?.trim().parse().ok()));
            self.done(status, || said.get("status.message").map(Value::to_string).unwrap_or_default())?;
        } else if self.looks_like_html() {
            let page = Page::read(text);
            let says = says_what_was_done(&page);
            let (cause, meaning) = self.meaning();
            self.page(|_| says).map_err(|_| {
                self.instead(&format!("a page that does not say what was done{meaning}")).because(cause)
            })?;
            let status = form_answer(&page, FORM_ANSWER[0]).or_else(|| Some(page.text(page.by_id("Status")?)));
            let message = || form_answer(&page, FORM_ANSWER[1]).or_else(|| Some(page.text(page.by_id("Message")?)));
            self.done(status.and_then(|status| status.trim().parse().ok()), || message().unwrap_or_default())?;
        }
        Ok(self)
    }

    /// An error unless the system itself refuses what it was sent: with 400, 409 or 422, and with a page of Sling or Granite, with
    /// JSON that is its `own`, or without a word. Another status of a client's error does not concern what was sent, and a
    /// gateway also refuses with 400, in a text or in JSON of its own.
    pub(crate) fn expect_refusal(&self, own: impl Fn(&Value) -> bool) -> Checked {
        if !matches!(self.status, 400 | 409 | 422) {
            return self.clone().expect_status(&[400]).map(drop);
        }
        let text = self.text();
        let is_own = text.trim().is_empty()
            || self.is_slings_own_page()
            || (self.looks_like_html() && says_what_was_done(&Page::read(&text)))
            || self.json().is_ok_and(|json| own(&json));
        if is_own {
            return Ok(());
        }
        Err(self.instead("something that is not known as its own refusal").because(Cause::GatewayInstead))
    }

    /// An error unless the Author itself refuses what it was sent; in JSON it says the status as Sling does.
    pub(crate) fn expect_authors_refusal(&self) -> Checked {
        self.expect_refusal(|json| json.get("status.code").is_some())
    }

    /// Fails if the answer itself reports that the change was not made.
    fn done(&self, status: Option<u64>, message: impl FnOnce() -> String) -> Checked {
        match status.filter(|status| *status >= 400) {
            Some(status) => Err(self.instead(&format!("an answer that reports status {status}: {}", message().trim()))),
            None => Ok(()),
        }
    }

    /// A note that the page declares another language than English.
    fn in_language(&self) -> String {
        let declared = Page::read(&self.text()).language().map(str::to_owned);
        let language = self.header("content-language").map(str::to_owned).or(declared);
        let language = language.filter(|language| !language.to_ascii_lowercase().starts_with("en"));
        language.map_or_else(String::new, |language| {
            format!(" (its language is {language}; if that is why, set the language of the run's user to English)")
        })
    }

    /// An error that names what was received instead of the expected answer.
    pub fn instead(&self, what: &str) -> Problem {
        Problem::error(format!("{} answered {} with {what}; {}", self.what(), self.status, self.excerpt()))
    }

    /// Whether the body is an HTML page, or a part of one. The type alone does not tell: servlets send a plain text with it,
    /// too.
    pub fn looks_like_html(&self) -> bool {
        let start = self.start();
        let begins = start.trim_start_matches('\u{feff}').trim_start();
        is_whole_page(&start)
            || PAGE_PARTS.iter().any(|part| begins.starts_with(part))
            || (begins.starts_with('<') && self.header("content-type").is_some_and(|kind| kind.contains("text/html")))
    }

    /// Whether the body is a page without its end.
    pub fn is_cut_off(&self) -> bool {
        is_whole_page(&self.start()) && !self.text().to_ascii_lowercase().contains("</html")
    }

    /// Whether the body is a text for people: no page, and neither JSON nor XML.
    pub fn is_plain_text(&self) -> bool {
        !self.looks_like_html()
            && !self.text().trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[', '<', '"'])
    }

    /// The beginning of the body, in lower case.
    fn start(&self) -> String {
        String::from_utf8_lossy(&self.body[..self.body.len().min(512)]).to_lowercase()
    }

    /// Whether the body is AEM's login page, or one of a single sign-on before it.
    pub fn is_login(&self) -> bool {
        let text = String::from_utf8_lossy(&self.body);
        ["QUICKSTART_HOMEPAGE", "j_security_check", "name=\"SAMLRequest\""].iter().any(|mark| text.contains(mark))
    }

    /// Whether it redirects to a login page.
    pub fn redirects_to_login(&self) -> bool {
        let to = self.header("location").unwrap_or_default().to_ascii_lowercase();
        (300..400).contains(&self.status) && LOGIN_ADDRESS.iter().any(|part| to.contains(part))
    }

    /// `GET http://…`, for messages.
    pub fn what(&self) -> String {
        format!("{} {}", self.method, self.url)
    }

    /// The first characters of the body on one line, for messages, without secrets and control characters.
    pub fn excerpt(&self) -> String {
        // Masked first, and then cut: a truncated secret would not be recognized.
        let start = decoded_as(&self.body[..self.body.len().min(LOOKED_AT)], self.header("content-type"));
        let start = self.redactor.redact_foreign(&start);
        let short = beginning(&plain_line(&start), 120);
        if short.is_empty() { "the body is empty".into() } else { format!("the body begins: {short}") }
    }

    /// The meaning of an unexpected status: the cause, and the text after the status in the message.
    pub fn meaning(&self) -> (Option<Cause>, String) {
        let foreign = self.is_foreign_page();
        let (cause, text) = match self.status {
            407 => (
                Cause::ProxyAuthentication,
                ": a proxy on the way asks for user and password; set BPCONFORM_PROXY_USER and BPCONFORM_PROXY_PASSWORD, or \
                 name the host in NO_PROXY",
            ),
            429 => {
                let wait =
                    self.retry_after().map_or_else(String::new, |wait| format!(" (Retry-After: {} s)", wait.as_secs()));
                let text = format!(": the number of requests is limited{wait}; try again later");
                return (Some(Cause::RateLimited), text);
            }
            502..=504 => {
                (Cause::NotReady, ": it may still be starting, or a gateway cannot reach it; wait and try again")
            }
            300..=399 if self.redirects_to_login() => {
                return (Some(Cause::LoginInstead), format!(": it redirects to a login page{}", self.login_advice()));
            }
            400 if self.text().contains(INVALID_SNI) => {
                let text = ": the server knows no certificate for this host name (Invalid SNI); use the name that its certificate has, not an IP address";
                (Cause::CertificateOfAnotherHost, text)
            }
            301 | 302 | 303 | 307 | 308 => {
                (Cause::GatewayInstead, ": it redirects; are the address, its scheme and its context path right?")
            }
            401 => (Cause::CredentialsRefused, ": the credentials were not accepted"),
            _ if self.is_login() => {
                return (Some(Cause::LoginInstead), format!(", a login page{}", self.login_advice()));
            }
            403 if foreign => (Cause::GatewayInstead, ": a web server or a gateway refuses the request"),
            403 if self.what().contains(WEB_CONSOLE) => {
                (Cause::AccessDenied, ": the user has no right to the Web Console")
            }
            403 => (Cause::AccessDenied, ": the user may not do this"),
            404 if foreign => {
                let text = format!(": a web server or a gateway answers that nothing is there{}", self.advice());
                return (Some(Cause::GatewayInstead), text);
            }
            404 => return (None, format!(": there is nothing{}", self.advice())),
            _ => return (None, String::new()),
        };
        (Some(cause), text.to_owned())
    }

    /// Advice for a login page: only the Author is asked with user and password.
    fn login_advice(&self) -> &'static str {
        match self.surface.split('.').next() {
            Some("ims" | "console" | "tenant") => "",
            _ => "; are user and password right?",
        }
    }

    /// Advice for an answer 404.
    fn advice(&self) -> &'static str {
        match self.surface.split('.').next() {
            Some("ims" | "console" | "tenant") => "; is the address right?",
            _ => "; is it an AEM Author, and is the context path right?",
        }
    }
}

/// Whether a text in lower case is the beginning of a page that must also have an end.
fn is_whole_page(start: &str) -> bool {
    start.contains("<html") || start.contains("<!doctype html")
}

/// Whether it is a page with which Sling or Granite answers a change.
fn says_what_was_done(page: &Page) -> bool {
    SAYS_WHAT_WAS_DONE.iter().any(|id| page.by_id(id).is_some())
        || FORM_ANSWER.iter().any(|class| page.with_class(class).next().is_some())
}

/// The value of a field of Granite's form answer: the `dd` after the `dt` with that class, or the element itself.
fn form_answer(page: &Page, class: &str) -> Option<String> {
    let at = page.elements.iter().position(|element| element.classes().any(|known| known == class))?;
    let term = &page.elements[at];
    let value = if term.name == "dt" { page.elements[at..].iter().find(|it| it.name == "dd")? } else { term };
    Some(page.text(value))
}

/// Escapes each backslash that stands for itself: one that does not start a JSON escape, and one that ends a text.
fn with_escaped_backslashes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        out.push(character);
        if character != '\\' {
            continue;
        }
        match characters.peek() {
            // A path contains no quotation mark, and an escaped backslash stays unchanged.
            Some('\\') => out.extend(characters.next()),
            _ => out.push('\\'),
        }
    }
    out
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
    fn a_refusal_is_the_systems_own_and_about_what_was_sent() {
        let kind = |status: u16, body: &str| {
            Reply { status, ..reply(body) }.expect_authors_refusal().map_err(|problem| problem.kind)
        };
        let slings = "<html><body><div id=\"Status\">400</div></body></html>";
        let granites = "<html><dt class='foundation-form-response-status-code'>Status</dt><dd>400</dd></html>";
        let error = "<html><h1>tenantURL is missing (400)</h1><address>ApacheSling/2.7</address></html>";
        for (status, body) in [
            (400, ""),
            (400, slings),
            (409, granites),
            (400, error),
            (422, "{\"status.code\":422,\"status.message\":\"x\"}"),
        ] {
            assert_eq!(kind(status, body), Ok(()), "{status} {body}");
        }
        let nginx = "<html><head><title>nginx</title></head></html>";
        let firewall = "{\"status\":400,\"error\":\"Bad Request\",\"message\":\"blocked by WAF rule 942100\"}";
        for (status, body) in [
            (400, nginx),
            (400, firewall),
            (400, "Anfrage vom Gateway abgewiesen"),
            (400, "<h1>Bad Request</h1>"),
            (405, nginx),
            (413, ""),
            (404, ""),
            (403, ""),
            (500, ""),
        ] {
            assert_eq!(kind(status, body), Err(Kind::Error), "{status} {body}");
        }
    }

    #[test]
    fn an_answer_of_a_cache_is_an_error() {
        let judged = |method: &str, status: u16, age: &str| {
            let headers = vec![("age".to_owned(), age.to_owned()), ("x-cache".to_owned(), "MISS".to_owned())];
            let judged = Reply { method: method.into(), status, headers, ..reply("{}") }.not_from_cache();
            judged.map(drop).map_err(|problem| (problem.kind, problem.cause))
        };
        for (method, status, age) in
            [("GET", 200, "0"), ("GET", 200, "5"), ("GET", 200, "-"), ("GET", 503, "90"), ("POST", 200, "90")]
        {
            assert_eq!(judged(method, status, age), Ok(()), "{method} {status} {age}");
        }
        for status in [200, 304, 403, 404] {
            assert_eq!(judged("GET", status, "6"), Err((Kind::Error, Some(Cause::GatewayInstead))), "{status}");
        }
        assert!(reply("{}").not_from_cache().is_ok());
    }

    #[test]
    fn a_page_must_be_whole_and_the_right_one() {
        let is = |body: &str| reply(body).page(|page| page.contains("Queue is")).is_ok();
        assert!(is("<html>Queue is idle</html>") && is("<b>Queue is idle</b>"));
        assert!(!is("<html>Something went wrong</html>") && !is("<html>Queue is id"));
        assert!(!is("<html>Queue is QUICKSTART_HOMEPAGE</html>"), "a login page");
    }

    #[test]
    fn a_part_of_a_page_is_html_and_a_text_of_that_type_is_none() {
        let is_html = |kind: &str, body: &str| {
            let headers = vec![("content-type".to_owned(), kind.to_owned())];
            let reply = Reply { headers, ..reply(body) };
            assert!(!reply.looks_like_html() || !reply.is_plain_text(), "{body}");
            reply.looks_like_html()
        };
        for body in ["<head><title>404</title></head>", " <BODY>x", "\u{feff}<h1>x</h1>", "<!-- x --><html>"] {
            assert!(is_html("text/plain", body), "{body}");
        }
        assert!(is_html("text/html;charset=utf-8", "<p>x</p>") && !is_html("application/xml", "<p>x</p>"));
        assert!(!is_html("text/html", "com.adobe.granite.x.1") && !is_html("text/plain", "27.11.2026 *ERROR* <h1>"));
        assert!(!reply("<h1>x</h1>").is_cut_off() && reply("<html><h1>x</h1>").is_cut_off());
    }

    #[test]
    fn granites_form_answer_is_read_by_its_classes_in_any_language() {
        let answer = |status: &str| {
            format!(
                "<!DOCTYPE html><html lang='de'><body><h1>OK</h1><dl><dt class='foundation-form-response-status-code'>Status</dt>\
                 <dd>{status}</dd><dt class='foundation-form-response-status-message'>Meldung</dt><dd>Fertig</dd></dl></body></html>"
            )
        };
        assert!(reply(answer("200")).for_change().is_ok());
        let problem = reply(answer("500")).for_change().expect_err("it failed");
        assert!(problem.reason.contains("reports status 500: Fertig"), "{problem}");
        assert!(reply(r#"{"status.code":403,"status.message":"no"}"#).for_change().is_err());
    }

    #[test]
    fn paths_of_windows_are_read_although_they_are_not_escaped() {
        for path in ["D:\\aem\\author", "C:\\Users\\aem\\bin\\new", "D:\\"] {
            let told =
                reply(format!("[\"Sling Home = {path}\",\"Run Modes = [author]\"]")).lenient_json().expect("read");
            assert_eq!(told[1], "Run Modes = [author]");
        }
        assert_eq!(reply(r#"["a\\b"]"#).lenient_json().expect("read")[0], "a\\b");
        assert!(reply("[\"cut").lenient_json().is_err());
        assert_eq!(reply("\u{feff}[1]").json().expect("a byte-order mark is none of it")[0], 1);
    }

    #[test]
    fn what_stands_in_the_systems_place_has_its_own_cause() {
        let html = "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\"><html><head><title>404 Not Found</title></head></html>";
        let cause = |status: u16, headers: &[(&str, &str)], body: &str| {
            let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            Reply { status, headers, ..reply(body) }.expect_status(&[200]).expect_err("not 200").cause
        };
        assert_eq!(cause(407, &[], html), Some(Cause::ProxyAuthentication));
        assert_eq!(cause(429, &[("retry-after", "7")], ""), Some(Cause::RateLimited));
        assert_eq!(cause(503, &[], html), Some(Cause::NotReady));
        assert_eq!(cause(404, &[], html), Some(Cause::GatewayInstead));
        assert_eq!(cause(404, &[], "<html><title>No resource found</title>"), None);
        assert_eq!(cause(403, &[], ""), Some(Cause::AccessDenied));
        let felix = "<html><title>Error 403 Forbidden</title><td>org.apache.felix.http.base.internal.dispatch.DispatcherServlet-16</td>";
        assert_eq!(cause(403, &[], felix), Some(Cause::AccessDenied));
        assert_eq!(cause(404, &[], felix), Some(Cause::GatewayInstead), "it may still be starting");
        assert_eq!(cause(403, &[], html), Some(Cause::GatewayInstead));
        assert_eq!(cause(302, &[("location", "https://idp/saml2?SAMLRequest=a")], ""), Some(Cause::LoginInstead));
        assert_eq!(cause(301, &[("location", "https://other/")], ""), Some(Cause::GatewayInstead));
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
        reply.body = format!("{before} a-third-canary-of-tests").into_bytes();
        let excerpt = reply.excerpt();
        assert!(excerpt.ends_with(" a-third-canary-of-t…"), "{excerpt}");
        reply.redactor.learn("a-third-canary-of-tests");
        assert!(!reply.redactor.redact(&excerpt).contains("a-third"), "learned later");
    }

    #[test]
    fn an_excerpt_cannot_steer_a_terminal() {
        assert_eq!(reply("a\u{1b}[31m b\u{7}\n\nc").excerpt(), "the body begins: a␛[31m b␇ c");
    }
}
