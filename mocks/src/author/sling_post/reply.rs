//! Sling's answer to a POST, as HTML or JSON.

use serde_json::json;

use crate::author::access::relative;
use crate::author::repository::split;
use crate::author::sling_get::address;
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
    /// The exception's class and message.
    error: Option<(&'static str, String)>,
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
            error: None,
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
            return Response { status: 302, ..Response::default() }
                .with_header("location", redirect.replace('*', name));
        }
        let (status, message, did) = if self.created { (201, "Created", "created") } else { (200, "OK", "modified") };
        let title = format!("Content {did} {}", self.path);
        let response = self.render(status, message, &title, false);
        if status == 201 { response.with_header("location", address(&self.path)) } else { response }
    }

    /// The answer to an operation that failed.
    pub(in crate::author) fn refuse(self, status: u16, message: &str) -> Response {
        self.refuse_as(status, "org.apache.sling.api.resource.PersistenceException", message)
    }

    /// The answer to an operation that failed, with the class of the exception.
    pub(in crate::author) fn refuse_as(mut self, status: u16, class: &'static str, message: &str) -> Response {
        // What was done before the refusal was not saved.
        self.changes.clear();
        self.error = Some((class, message.to_owned()));
        let message = format!("{class}: {message}");
        self.render(status, &message, &format!("Error while processing {}", self.path), true)
    }

    /// The answer to `:operation=nop`.
    pub(in crate::author) fn did_nothing(mut self) -> Response {
        self.path.clear();
        self.render(200, "Null Operation Status: 200", "", false)
    }

    /// The answer to an unknown operation.
    pub(in crate::author) fn unknown_operation(self) -> Response {
        let message = "Invalid operation specified for POST request";
        if self.as_json {
            let json = json!({
                "referer": self.referrer, "status.message": message, "status.code": 500, "changes": [],
            });
            return Response::json(if self.always_ok { 200 } else { 500 }, &json);
        }
        self.render(500, message, "", true)
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
            "location": address(&self.path), "parentLocation": address(self.parent()), "referer": self.referrer,
            "changes": self.changes.iter().map(change).collect::<Vec<_>>(),
        });
        if self.created && !failed {
            answer["isCreate"] = true.into();
        }
        if failed {
            let (class, message) = self.error.as_ref().map_or(("", message), |(class, message)| (*class, message));
            answer["error"] = json!({ "class": class, "message": message });
        }
        answer
    }

    fn html(&self, status: u16, message: &str, title: &str) -> String {
        let [title, message, path, referrer] = [title, message, &self.path, &self.referrer].map(escape);
        let [location, parent] = [&self.path, self.parent()].map(|path| escape(&address(path)));
        let changes: String = self
            .changes
            .iter()
            .map(|(kind, paths)| {
                let paths: Vec<_> = paths.iter().map(|path| format!("\"{path}\"")).collect();
                format!("{kind}({});<br/>", paths.join(", "))
            })
            .collect();
        // Sling escapes the markup of the list of changes, too.
        let changes = escape(&format!("<pre>{changes}</pre>"));
        format!(
            "<html>\n<head>\n<title>{title}</title>\n</head>\n<body>\n<h1>{title}</h1>\n<table>\n<tbody>\n\
             <tr><td>Status</td><td><div id=\"Status\">{status}</div></td></tr>\n\
             <tr><td>Message</td><td><div id=\"Message\">{message}</div></td></tr>\n\
             <tr><td>Location</td><td><a href=\"{location}\" id=\"Location\">{location}</a></td></tr>\n\
             <tr><td>Parent Location</td><td><a href=\"{parent}\" id=\"ParentLocation\">{parent}</a></td></tr>\n\
             <tr><td>Path</td><td><div id=\"Path\">{path}</div></td></tr>\n\
             <tr><td>Referer</td><td><div id=\"Referer\">{referrer}</div></td></tr>\n\
             <tr><td>ChangeLog</td><td><div id=\"ChangeLog\">{changes}</div></td></tr>\n\
             </tbody>\n</table>\n<p><a href=\"{location}\">Modified Resource</a></p>\n\
             <p><a href=\"{parent}\">Parent of Modified Resource</a></p>\n</body>\n</html>\n"
        )
    }
}

/// `:http-equiv-accept`, or the `Accept` header: whether JSON is wanted more than HTML.
fn wants_json(request: &Request, form: &Form) -> bool {
    let accept = form.get(":http-equiv-accept").or_else(|| request.header("accept")).unwrap_or_default();
    let quality = |kind: &str| {
        let all = accept.split(',').map(str::trim).enumerate();
        let named = all.filter_map(|(at, one)| {
            let (name, rest) = one.split_once(';').unwrap_or((one, ""));
            let quality = rest.split(';').find_map(|part| part.trim().strip_prefix("q=")?.parse::<f32>().ok());
            name.trim().eq_ignore_ascii_case(kind).then_some((quality.unwrap_or(1.0), at))
        });
        named.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(quality, _)| *quality > 0.0)
    };
    match (quality("application/json"), quality("text/html")) {
        (Some((json, _)), Some((html, _))) if (json - html).abs() > f32::EPSILON => json > html,
        (Some((_, json)), Some((_, html))) => json < html,
        (json, _) => json.is_some(),
    }
}
