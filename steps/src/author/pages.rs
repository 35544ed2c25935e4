//! Whether the Author shows a page, or data, to the run's user.

use bpconform_fixtures::Cause;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{agents, bundles, product, users};
use crate::call::Call;
use crate::html::Page;
use crate::problem::{Checked, Problem};
use crate::reply::Reply;
use crate::session::Session;

/// What a person who sets Brand Portal up must be able to open, as the features call it.
pub const NEEDED: [&str; 8] = [
    "Tools > Security > Adobe IMS Configurations",
    "Tools > Deployment > Replication > Agents on author",
    "the replication agents in the repository",
    "the stored IMS configurations",
    "the Brand Portal cloud configurations",
    "the users of the Author",
    "Package Manager",
    "the OSGi bundles of the Web Console",
];

/// The request for a page or a type of data that the features name.
pub fn request(name: &str) -> Checked<Call> {
    Ok(match name {
        "Tools > Security > Adobe IMS Configurations" => Call::to("author.ims-console"),
        "Tools > Deployment > Replication > Agents on author" => Call::to("author.agents-page"),
        "the replication agents in the repository" => Call::to("author.agents"),
        "the stored IMS configurations" => Call::to("author.ims-storage"),
        "the Brand Portal cloud configurations" => Call::to("author.cloud-storage"),
        "the users of the Author" => {
            Call::to("author.querybuilder").property("path", "/home/users").property("p.limit", "1")
        }
        "Package Manager" => Call::to("author.packages"),
        "the OSGi bundles of the Web Console" => Call::to("author.bundles"),
        _ => return Err(Problem::error(format!("the harness knows no page \"{name}\""))),
    })
}

/// An error unless the reply is AEM's login page. Another page is not evidence about AEM: it may come from a proxy or a
/// gateway.
pub fn judge_login(session: &Session, reply: &Reply) -> Checked {
    let reply = reply.clone().expect_status(&[200])?;
    let ready = session.surface("author.login-page").phrase("ready");
    let is_whole = reply.text().contains(ready) && !reply.is_cut_off();
    if is_whole { Ok(()) } else { Err(reply.instead("something else than AEM's login page")) }
}

/// Opens it. Gives back the status with which it is denied, or none; what is neither shown nor denied is an error.
pub async fn denied(session: &Session, call: Call) -> Checked<Option<u16>> {
    let reply = session.send(call).await?;
    if reply.redirects_to_login() || (reply.status == 200 && reply.is_login()) {
        // The Author knows the user elsewhere, so that a login page does not say what the user may open.
        still_known(session, &reply).await?;
        return Err(reply.instead("a login page in place of what was asked for").because(Cause::LoginInstead));
    }
    if matches!(reply.status, 403 | 404) {
        still_known(session, &reply).await?;
        return Ok(Some(reply.status));
    }
    if reply.status == 401 {
        // The Author accepts the user elsewhere, so that something else asks for another login.
        still_known(session, &reply).await?;
        let problem = Problem::error(format!(
            "{} answered 401, and the Author accepts the user elsewhere: it wants another login",
            reply.what()
        ));
        return Err(problem.because(Cause::CredentialsRefused));
    }
    // 300 is what a tree says that is too deep to be sent at once.
    judge(session, &reply.expect_status(&[200, 300])?).map(|()| None)
}

/// An error if the answer denies access and is not the Author's own page: a web server or a gateway hides what the Author may
/// show to others.
pub(super) fn judge_denial(reply: &Reply) -> Checked {
    if !matches!(reply.status, 403 | 404) || reply.is_authors_own() {
        return Ok(());
    }
    Err(reply.instead("something that is not the Author's own page").because(Cause::GatewayInstead))
}

/// An error if something other than the Author denies access: a web server or a gateway with its own page, or an expired
/// session.
async fn still_known(session: &Session, reply: &Reply) -> Checked {
    judge_denial(reply)?;
    let user = users::current(session).await;
    if user.is_ok_and(|user| user != "anonymous") {
        return Ok(());
    }
    let problem =
        Problem::error(format!("{} answered {}: the session has ended during the run", reply.what(), reply.status));
    Err(problem.because(Cause::SessionEnded))
}

/// An error unless the reply is what the endpoint returns: the expected page, identified by its content, or data with what
/// every Author has.
pub fn judge(session: &Session, reply: &Reply) -> Checked {
    let surface = session.surface(&reply.surface);
    let Some(mark) = surface.phrases.get("mark") else { return judge_data(reply) };
    let is_the_page = |page: &str| {
        let page = Page::read(page);
        // An attribute names the page's component, in any language; a page without it may still have the documented title.
        let is_named = page.values().any(|value| names(value, mark, reply.url.path()));
        is_named || surface.wording.get("page").is_some_and(|title| page.lines().contains(title))
    };
    reply.page(is_the_page).map(drop)
}

/// Whether a value of an attribute contains the mark of a page elsewhere than in the address that was asked for: the login page
/// of a gateway gives that back, encoded once or twice.
fn names(value: &str, mark: &str, requested: &str) -> bool {
    let requested = decoded(requested.strip_suffix(".html").unwrap_or(requested));
    let value = decoded(&decoded(value));
    // A link to what is below the address is the Author's own.
    let mut parts = value.split(requested.as_str());
    let first = parts.next().unwrap_or_default().to_owned();
    let without = parts.fold(first, |all, part| {
        let between = if part.starts_with('/') { requested.as_str() } else { "" };
        all + between + part
    });
    without.contains(mark)
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().replace("\\/", "/")
}

/// An error unless the data are those of the endpoint: an empty list or another document shows no right to read them.
fn judge_data(reply: &Reply) -> Checked {
    let data = reply.json()?;
    match reply.surface.as_str() {
        "author.bundles" => bundles::read(reply).map(drop),
        "author.packages" => product::read_packages(reply).map(drop),
        "author.querybuilder" => {
            let first = data["hits"].as_array().and_then(|hits| hits.first()?.get("path")?.as_str());
            let is_found = data["success"] == true && first.is_some_and(|path| path.starts_with("/home/users/"));
            if is_found { Ok(()) } else { Err(reply.instead("JSON without a user, and every Author has some")) }
        }
        // The depths to which the Author sends a tree.
        _ if reply.status == 300 => {
            let depths = data.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(Value::is_string));
            if depths { Ok(()) } else { Err(reply.instead("JSON that lists no depths of a tree")) }
        }
        _ if !data["jcr:primaryType"].is_string() => Err(reply.instead("JSON that is not a node")),
        "author.agents" => agents::read(&data).map(drop),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use url::Url;

    use super::*;
    use crate::problem::Kind;
    use crate::redact::Redactor;

    fn judged(surface: &str, status: u16, data: &Value) -> Result<(), Kind> {
        let reply = Reply {
            surface: surface.into(),
            method: "GET".into(),
            url: Url::parse("http://localhost/").expect("a URL"),
            status,
            headers: Vec::new(),
            body: data.to_string().into(),
            redactor: Redactor::default(),
        };
        judge_data(&reply).map_err(|problem| problem.kind)
    }

    #[test]
    fn the_address_that_was_asked_for_is_no_mark_of_the_page() {
        let requested = "/libs/cq/adobeims-configuration/content/configurations.html";
        for (value, wanted) in [
            ("/libs/cq/adobeims-configuration/components/admin/datasources/imsconfigurations/update", true),
            ("cq/adobeims-configuration/components/card", true),
            ("http://author:4502/libs/cq/adobeims-configuration/content/configurations.html", false),
            (
                "https://proxy/auth?url=http%3A//author:4502/libs/cq/adobeims-configuration/content/configurations.html",
                false,
            ),
            ("https://proxy/?to=%2Flibs%2fcq%2Fadobeims-configuration%2Fcontent%2Fconfigurations.html", false),
            (
                "https://proxy/?to=%252Flibs%252Fcq%252Fadobeims-configuration%252Fcontent%252Fconfigurations.html",
                false,
            ),
            ("location='\\/libs\\/cq\\/adobeims-configuration\\/content\\/configurations'", false),
        ] {
            assert_eq!(names(value, "adobeims-configuration", requested), wanted, "{value}");
        }
        let agents = "/etc/replication/agents.author";
        let is_named = |value: &str| names(value, &format!("{agents}/"), &format!("{agents}.html"));
        assert!(is_named(&format!("{agents}/publish.html")) && !is_named(&format!("https://proxy/?to={agents}.html")));
    }

    #[test]
    fn only_the_authors_own_page_denies() {
        let judged = |status: u16, body: &str| {
            let reply = Reply {
                surface: "author.ims-console".into(),
                method: "GET".into(),
                url: Url::parse("http://localhost/").expect("a URL"),
                status,
                headers: Vec::new(),
                body: body.into(),
                redactor: Redactor::default(),
            };
            judge_denial(&reply).map_err(|problem| problem.cause)
        };
        let apache = "<html><body><h1>Forbidden</h1><address>Apache/2.4</address></body></html>";
        for (status, body) in [(403, apache), (404, apache), (403, "{\"message\":\"Forbidden\"}"), (404, "")] {
            assert_eq!(judged(status, body), Err(Some(Cause::GatewayInstead)), "{status} {body}");
        }
        for (status, body) in [
            (200, apache),
            (403, "<html>ApacheSling/2.7</html>"),
            (404, "<html>No resource found</html>"),
            (404, "No resource found"),
        ] {
            assert_eq!(judged(status, body), Ok(()), "{status} {body}");
        }
    }

    #[test]
    fn data_of_a_fresh_author_are_those_that_were_asked_for() {
        let content = json!({"jcr:primaryType": "cq:PageContent"});
        let bundle = json!({"symbolicName": "a", "stateRaw": 32});
        for (surface, status, data) in [
            ("author.querybuilder", 200, json!({"success": true, "hits": [{"path": "/home/users/system"}]})),
            ("author.packages", 200, json!({"results": [{"name": "a"}], "total": 1})),
            ("author.bundles", 200, json!({"data": [bundle]})),
            ("author.agents", 200, json!({"jcr:primaryType": "cq:Page", "jcr:content": content})),
            ("author.agents", 300, json!(["/etc/replication/agents.author.1.json"])),
            ("author.ims-storage", 200, json!({"jcr:primaryType": "sling:Folder"})),
        ] {
            assert_eq!(judged(surface, status, &data), Ok(()), "{surface} {data}");
        }
    }

    #[test]
    fn other_or_empty_data_prove_no_right() {
        let nothing = [json!({}), json!([]), json!({"success": false}), json!({"error": "denied"})];
        let surfaces = ["querybuilder", "packages", "bundles", "agents", "ims-storage", "cloud-storage"];
        for surface in surfaces.map(|name| format!("author.{name}")) {
            for data in &nothing {
                assert_eq!(judged(&surface, 200, data), Err(Kind::Error), "{surface} {data}");
            }
        }
        for (surface, status, data) in [
            ("author.querybuilder", 200, json!({"success": true, "results": 0, "total": 0, "hits": []})),
            ("author.packages", 200, json!({"results": [], "total": 0})),
            ("author.packages", 200, json!({"results": [{"name": "a"}], "total": 2})),
            ("author.bundles", 200, json!({"data": []})),
            ("author.agents", 200, json!({"jcr:primaryType": "cq:Page"})),
            (
                "author.agents",
                200,
                json!({"jcr:primaryType": "cq:Page", "mp_replication_agent0_default_x": {"jcr:primaryType": "cq:Page"}}),
            ),
            ("author.agents", 300, json!([])),
        ] {
            assert_eq!(judged(surface, status, &data), Err(Kind::Error), "{surface} {data}");
        }
    }
}
