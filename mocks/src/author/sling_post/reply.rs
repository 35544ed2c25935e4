//! Sling's answer to a POST, as HTML or JSON.

use serde_json::json;

use crate::author::access::relative;
use crate::author::repository::split;
use crate::author::{escape, html};
use crate::machine::{Form, Request, Response};

/// The result of a POST, in the form that the client asked for.
pub(in crate::author) struct Reply {
    path: String,
    referrer: String,
    redirect: Option<String>,
    as_json: bool,
    always_ok: bool,
    created: bool,
    /// Kind of the change, and the paths that it concerns.
    changes: Vec<(&'static str, Vec<String>)>,
}

impl Reply {
    /// The answer to a request that concerns the node at `path`.
    pub(in crate::author) fn new(request: &Request, form: &Form, path: &str) -> Self {
        Self {
            path: path.to_owned(),
            referrer: request.header("referer").unwrap_or_default().to_owned(),
            redirect: relative(form.get(":redirect")).map(str::to_owned),
            as_json: wants_json(request, form),
            always_ok: form.get(":status") == Some("browser"),
            created: false,
            changes: Vec::new(),
        }
    }

    /// The node turned out to have another path.
    pub(in crate::author) fn at(&mut self, path: &str) -> &mut Self {
        path.clone_into(&mut self.path);
        self
    }

    /// The node is new.
    pub(in crate::author) fn create(&mut self) {
        self.created = true;
    }

    /// Something was `created`, `modified` or `deleted`.
    pub(in crate::author) fn changed(&mut self, kind: &'static str, path: &str) {
        self.changes.push((kind, vec![path.to_owned()]));
    }

    /// Something was `copied` or `moved`.
    pub(in crate::author) fn copied(&mut self, kind: &'static str, from: &str, to: &str) {
        self.changes.push((kind, vec![from.to_owned(), to.to_owned()]));
    }

    /// The answer to an operation that was carried out.
    pub(in crate::author) fn send(self) -> Response {
        if let Some(redirect) = &self.redirect {
            let name = split(&self.path).map_or("", |(_, name)| name);
            return html(302, "").with_header("location", redirect.replace('*', name));
        }
        let (status, message, did) = if self.created { (201, "Created", "created") } else { (200, "OK", "modified") };
        let title = format!("Content {did} {}", self.path);
        let response = self.render(status, message, &title, false);
        if status == 201 { response.with_header("location", self.path) } else { response }
    }

    /// The answer to an operation that was not.
    pub(in crate::author) fn refuse(self, status: u16, message: &str) -> Response {
        self.render(status, message, &format!("Error while processing {}", self.path), true)
    }

    fn render(&self, status: u16, message: &str, title: &str, failed: bool) -> Response {
        let sent = if self.always_ok { 200 } else { status };
        if self.as_json {
            return Response::json(sent, &self.json(status, message, title, failed));
        }
        html(sent, &self.html(status, message, title))
    }

    fn parent(&self) -> &str {
        split(&self.path).map_or("", |(parent, _)| parent)
    }

    fn json(&self, status: u16, message: &str, title: &str, failed: bool) -> serde_json::Value {
        let change = |(kind, paths): &(&str, Vec<String>)| {
            let argument = if let [one] = &paths[..] { json!(one) } else { json!(paths) };
            json!({ "type": kind, "argument": argument })
        };
        let mut answer = json!({
            "title": title, "status.code": status, "status.message": message, "path": self.path,
            "location": self.path, "parentLocation": self.parent(), "referer": self.referrer,
            "isCreate": self.created, "changes": self.changes.iter().map(change).collect::<Vec<_>>(),
        });
        if failed {
            answer["error"] = json!({ "class": "org.apache.sling.api.SlingException", "message": message });
        }
        answer
    }

    fn html(&self, status: u16, message: &str, title: &str) -> String {
        let [title, message, path, parent, referrer] =
            [title, message, &self.path, self.parent(), &self.referrer].map(escape);
        let changes: String = self
            .changes
            .iter()
            .map(|(kind, paths)| {
                let paths: Vec<_> = paths.iter().map(|path| format!("\"{path}\"")).collect();
                escape(&format!("{kind}({});", paths.join(", "))) + "<br/>"
            })
            .collect();
        format!(
            "<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n<table><tbody>\n\
             <tr><td>Status</td><td><div id=\"Status\">{status}</div></td></tr>\n\
             <tr><td>Message</td><td><div id=\"Message\">{message}</div></td></tr>\n\
             <tr><td>Location</td><td><a href=\"{path}\" id=\"Location\">{path}</a></td></tr>\n\
             <tr><td>Parent Location</td><td><a href=\"{parent}\" id=\"ParentLocation\">{parent}</a></td></tr>\n\
             <tr><td>Path</td><td><div id=\"Path\">{path}</div></td></tr>\n\
             <tr><td>Referer</td><td><a href=\"{referrer}\" id=\"Referer\">{referrer}</a></td></tr>\n\
             <tr><td>ChangeLog</td><td><div id=\"ChangeLog\"><pre>{changes}</pre></div></td></tr>\n\
             </tbody></table>\n</body>\n</html>\n"
        )
    }
}

/// `:accept`, or the `Accept` header if it names JSON before HTML.
fn wants_json(request: &Request, form: &Form) -> bool {
    let accept = form.get(":accept").or_else(|| request.header("accept")).unwrap_or_default();
    let first = |kind: &str| accept.find(kind).unwrap_or(usize::MAX);
    accept.contains("application/json") && first("application/json") < first("text/html")
}
