//! The HTML pages of the mocked Author for people.

use jiff::Timestamp;

use crate::author::{Author, escape, html};
use crate::machine::{Request, Response};

/// An HTML document with a heading and a link to the start page; `body` is HTML.
pub(super) fn document(status: u16, title: &str, body: &str) -> Response {
    let title = escape(title);
    html(
        status,
        &format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
             <body>\n<h1>{title}</h1>\n{body}\n<nav><a href=\"/\">Home</a></nav>\n</body></html>\n"
        ),
    )
}

/// The answer to a form: a page with a link back for a browser, and the plain answer for a program. The page says status and
/// message as Sling's does (surfaces.md §5.7). It also says to a program that the form is refused, since a text could be a
/// gateway's.
pub(super) fn shown(request: &Request, response: Response, done: &str, back: &str) -> Response {
    let accepts_pages = request.header("accept").is_some_and(|accept| accept.contains("text/html"));
    if !accepts_pages && !matches!(response.status, 400 | 409) {
        return response;
    }
    let is_json = response.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    let status = response.status;
    let (title, text) = match status {
        200 if is_json => (done, String::new()),
        200 => (done, response.text()),
        _ => ("Nothing was changed", response.text()),
    };
    let text = if text.trim().is_empty() { title } else { text.trim() };
    let said = format!("<p>Status: <span id=\"Status\">{status}</span></p>\n<p id=\"Message\">{}</p>\n", escape(text));
    document(status, title, &format!("{said}<p><a href=\"{}\">Back</a></p>", escape(back)))
}

/// One field of a form.
pub(super) enum Field<'a> {
    /// A line of text: name on the wire, label.
    Text(&'a str, &'a str),
    /// A password field: name on the wire, label.
    Password(&'a str, &'a str),
    /// A choice: name on the wire, label, values and their texts.
    Choice(&'a str, &'a str, Vec<(String, String)>),
    /// A check box: name on the wire, label.
    Check(&'a str, &'a str),
    /// A hidden value: name on the wire, value.
    Hidden(&'a str, &'a str),
}

impl Field<'_> {
    fn html(&self) -> String {
        match self {
            Self::Text(name, label) => format!("<label>{label} <input name=\"{name}\"></label><br>\n"),
            Self::Password(name, label) => {
                format!("<label>{label} <input name=\"{name}\" type=\"password\"></label><br>\n")
            }
            Self::Check(name, label) => {
                format!("<label><input name=\"{name}\" type=\"checkbox\" value=\"true\"> {label}</label><br>\n")
            }
            Self::Hidden(name, value) => format!("<input name=\"{name}\" type=\"hidden\" value=\"{}\">", escape(value)),
            Self::Choice(name, label, options) => {
                let options: Vec<_> = options
                    .iter()
                    .map(|(value, shown)| format!("<option value=\"{}\">{}</option>", escape(value), escape(shown)))
                    .collect();
                format!("<label>{label} <select name=\"{name}\">{}</select></label><br>\n", options.concat())
            }
        }
    }
}

/// A form that sends its fields with that method, and the label of its button.
pub(super) fn form(method: &str, action: &str, fields: &[Field<'_>], button: &str) -> String {
    let fields: String = fields.iter().map(Field::html).collect();
    let action = escape(action);
    format!("<form method=\"{method}\" action=\"{action}\">{fields}<button type=\"submit\">{button}</button></form>\n")
}

/// The CSRF token that a form of a browser must contain.
pub(super) struct Csrf {
    name: String,
    value: String,
}

impl Csrf {
    /// The hidden field that contains it.
    pub(super) fn field(&self) -> Field<'_> {
        Field::Hidden(&self.name, &self.value)
    }
}

impl Author {
    /// The start page: links to the consoles of the documented steps, as under Tools.
    pub(crate) fn start_page(&self) -> Response {
        let link = |(navigation, label, surface): (&str, &str, &str)| {
            let root = if surface == "author.tags-page" { "content/cq:tags" } else { "content/dam" };
            let path = escape(&self.surfaces.get(surface).path.replace("{*path}", root));
            format!("<li>{navigation} &gt; <a href=\"{path}\">{label}</a></li>\n")
        };
        let consoles = [
            ("Navigation &gt; Assets", "Files", "author.assets-page"),
            ("Tools &gt; General", "Tagging", "author.tags-page"),
            ("Tools &gt; Security", "Adobe IMS Configurations", "author.ims-console"),
            ("Tools &gt; Cloud Services", "AEM Brand Portal", "author.cloud-console"),
            ("Tools &gt; Deployment &gt; Replication", "Agents on author", "author.agents-page"),
        ];
        document(200, "Adobe Experience Manager, mocked", &format!("<ul>\n{}</ul>", consoles.map(link).concat()))
    }

    /// A new CSRF token for a form of the user.
    pub(super) fn csrf_field(&self, now: Timestamp) -> Csrf {
        let answer: serde_json::Value = serde_json::from_slice(&self.csrf_token(now).body).unwrap_or_default();
        Csrf {
            name: self.surfaces.get("author.csrf-token").field("parameter").to_owned(),
            value: answer["token"].as_str().unwrap_or_default().to_owned(),
        }
    }
}
