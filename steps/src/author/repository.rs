//! Reads and deletions of the Author's content repository through Sling (surfaces.md §5.7).
//!
//! Oak answers 404 for what a user may not read, and so do a dispatcher, a gateway and a session that has ended. A node is
//! absent only if its nearest ancestor that can be read does not list it, and is not one that every Author has.

use bpconform_fixtures::Cause;
use serde_json::Value;

use crate::call::Call;
use crate::problem::{Checked, Problem};
use crate::reply::Reply;
use crate::session::Session;

/// What every Author has: where one of these is not found, the user may not read it, or something else answers.
const EVERYWHERE: [&str; 14] = [
    "/apps",
    "/apps/system",
    "/apps/system/config",
    "/conf",
    "/conf/global",
    "/content",
    "/content/dam",
    "/etc",
    "/etc/replication",
    "/etc/replication/agents.author",
    "/home",
    "/home/users",
    "/libs",
    "/",
];

/// How many levels are read one node at a time where the Author sends no whole tree.
const DEEPEST: u32 = 12;

/// The node at that path with its descendants down to `depth` (a number, `-1` or `infinity`); `None` if the node is
/// proved to be absent.
pub async fn read(session: &Session, path: &str, depth: &str) -> Checked<Option<Value>> {
    at(session, node(path, depth), path, depth.parse().ok().filter(|depth: &i64| *depth >= 0)).await
}

/// What a request for the JSON of the node at that path finds; `levels` is how deep it asks, none for all.
pub(crate) async fn at(session: &Session, call: Call, path: &str, levels: Option<i64>) -> Checked<Option<Value>> {
    let reply = session.send(call.clone()).await?;
    match reply.status {
        404 if is_absent(session, path, &reply).await? => Ok(None),
        // It may have come between the two questions.
        404 => match session.send(call).await? {
            again if again.status == 404 => Err(contradicted(path, &again)),
            again => whole(again).map(Some),
        },
        300 => shallow(session, path, levels.map_or(DEEPEST, |levels| u32::try_from(levels).unwrap_or(DEEPEST)))
            .await
            .map(Some),
        _ => whole(reply).map(Some),
    }
}

/// What a request for the JSON of a node finds at another system, where nothing is known to be everywhere: the argument
/// `path` of the request is what may be missing. That is proved by Sling's own page, or by a node above, as at the Author.
pub(crate) async fn at_other(session: &Session, call: Call) -> Checked<Option<Value>> {
    let reply = session.send(call.clone()).await?;
    match reply.status {
        404 if reply.is_slings_own_page() => return Ok(None),
        404 => {}
        300 => return Err(too_large(&reply)),
        _ => return object(reply).map(Some),
    }
    let path = call.arguments.get("path").cloned().unwrap_or_default();
    let above = |missing: &str| Some(call.clone().with("path", missing.rsplit_once('/')?.0));
    match above_lists(session, &path, above).await? {
        Ok(false) => Ok(None),
        // It may have come between the two questions.
        Ok(true) => match session.send(call).await? {
            again if again.status == 404 => Err(contradicted(&path, &again)),
            again => object(again).map(Some),
        },
        Err(_) => {
            let what =
                "something that is not AEM's own page, and no node above is there to prove that this one is absent";
            Err(reply.instead(what).because(Cause::GatewayInstead))
        }
    }
}

/// A node of the Author with its children, where the tree is too large for one answer: one level is always sent.
pub(super) async fn level(session: &Session, path: &str) -> Checked<Value> {
    let reply = session.send(node(path, "1")).await?;
    if reply.status == 300 { Err(too_large(&reply)) } else { object(reply) }
}

pub(super) fn node(path: &str, depth: &str) -> Call {
    Call::to("author.node").with("path", path.trim_start_matches('/')).with("depth", depth)
}

/// The node of an answer, which Sling sends with its type. Anything else may be the refusal of a gateway, which also comes as
/// an object with status 200.
pub(super) fn object(reply: Reply) -> Checked<Value> {
    let reply = reply.expect_status(&[200])?;
    match reply.json()? {
        node if node["jcr:primaryType"].is_string() => Ok(node),
        node if has_no_property(&node) => Err(hides(&reply.what(), "the node")),
        _ => Err(reply.instead("JSON that is not a node").because(Cause::GatewayInstead)),
    }
}

/// A node with its descendants; an error if the properties of one of them are hidden. Whoever may read a node but none of
/// its properties gets an object without any, and each property would seem to be missing.
fn whole(reply: Reply) -> Checked<Value> {
    let asked = reply.what();
    let node = object(reply)?;
    match without_properties(&node) {
        None => Ok(node),
        Some(path) => Err(hides(&asked, &format!("the node {path} below it"))),
    }
}

fn hides(asked: &str, node: &str) -> Problem {
    let problem = Problem::error(format!(
        "{asked} answered {node} without any property: the user may not read them, or something else answers"
    ));
    problem.because(Cause::AccessDenied)
}

fn has_no_property(node: &Value) -> bool {
    node.as_object().is_some_and(|members| members.values().all(Value::is_object))
}

/// The path of the first node without a single property, relative to this one.
fn without_properties(node: &Value) -> Option<String> {
    if has_no_property(node) {
        return Some(String::new());
    }
    // Those of the repository, too: `jcr:content` holds what most verdicts are about.
    node.as_object()?.iter().filter(|(_, member)| member.is_object()).find_map(|(name, child)| {
        let below = without_properties(child)?;
        Some(if below.is_empty() { name.to_owned() } else { format!("{name}/{below}") })
    })
}

fn too_large(reply: &Reply) -> Problem {
    let problem = Problem::error(format!("{}: the Author says that the tree is too large to be sent", reply.what()));
    problem.because(Cause::TreeTooLarge)
}

/// Reads a tree that is too large for one answer node by node: one level is always sent.
async fn shallow(session: &Session, path: &str, levels: u32) -> Checked<Value> {
    let reply = session.send(node(path, "1")).await?;
    if reply.status == 300 {
        return Err(too_large(&reply));
    }
    let mut node = whole(reply)?;
    if levels < 2 {
        return Ok(node);
    }
    let nodes = node.as_object_mut().into_iter().flatten().filter(|(_, child)| child.is_object());
    for (name, child) in nodes {
        *child = Box::pin(shallow(session, &format!("{}/{name}", path.trim_end_matches('/')), levels - 1)).await?;
    }
    Ok(node)
}

/// Whether a node has a child of that name, also where the Author sends no list of them.
pub async fn has_child(session: &Session, path: &str, name: &str) -> Checked<bool> {
    let reply = session.send(node(path, "1")).await?;
    match reply.status {
        300 => {
            let reply = session.send(node(&format!("{path}/{name}"), "0")).await?;
            if reply.status == 404 { Err(too_large(&reply)) } else { object(reply).map(|_| true) }
        }
        404 if is_absent(session, path, &reply).await? => Ok(false),
        404 => Err(contradicted(path, &reply)),
        _ => object(reply).map(|node| node.get(name).is_some_and(Value::is_object)),
    }
}

/// Whether the node above a path lists it; not where it has too many for one answer.
pub(crate) async fn is_listed(session: &Session, path: &str) -> Checked<bool> {
    let (parent, name) = path.trim_end_matches('/').rsplit_once('/').unwrap_or(("", path));
    match has_child(session, parent, name).await {
        Err(problem) if problem.cause == Some(Cause::TreeTooLarge) => Ok(false),
        listed => listed,
    }
}

/// Whether a node that the Author answered with 404 is absent: not if its parent lists it. An error if this cannot be
/// determined.
async fn is_absent(session: &Session, path: &str, reply: &Reply) -> Checked<bool> {
    let above = |missing: &str| {
        let is_everywhere = missing.is_empty() || EVERYWHERE.contains(&missing);
        (!is_everywhere).then(|| node(missing.rsplit_once('/').map_or("", |(parent, _)| parent), "1"))
    };
    match above_lists(session, path.trim_end_matches('/'), above).await? {
        Ok(is_listed) => Ok(!is_listed),
        Err(missing) => Err(hidden(session, &missing, reply).await),
    }
}

/// Whether the nearest node above a path that is there lists what is missing below it; otherwise the last path that is
/// missing. `above` asks for the node above a path, with its children, as far as one is to be asked for.
async fn above_lists(
    session: &Session,
    path: &str,
    above: impl Fn(&str) -> Option<Call>,
) -> Checked<Result<bool, String>> {
    let mut missing = path.to_owned();
    while let Some(call) = above(&missing) {
        let reply = session.send(call).await?;
        let (parent, name) = missing.rsplit_once('/').unwrap_or(("", &missing));
        match reply.status {
            404 => missing = parent.to_owned(),
            300 => return Err(too_large(&reply)),
            _ => return Ok(Ok(object(reply)?.get(name).is_some_and(Value::is_object))),
        }
    }
    Ok(Err(missing))
}

fn contradicted(path: &str, reply: &Reply) -> Problem {
    let problem = Problem::error(format!(
        "{} answered 404, and a node above lists {path}: something else answers in the Author's place, or two Authors \
         answer in turn; {}",
        reply.what(),
        reply.excerpt()
    ));
    problem.because(if reply.is_foreign_page() { Cause::GatewayInstead } else { Cause::TwoStates })
}

/// Why what every Author has was not found.
pub(super) async fn hidden(session: &Session, path: &str, reply: &Reply) -> Problem {
    let user = session.send(Call::to("author.current-user").fresh()).await.and_then(|user| user.json());
    if user.is_ok_and(|user| user["authorizableId"] == "anonymous") {
        let problem = Problem::error(format!("{} answered 404: the session has ended during the run", reply.what()));
        return problem.because(Cause::SessionEnded);
    }
    let path = if path.is_empty() { "/" } else { path };
    if reply.is_foreign_page() {
        let problem = reply.instead(&format!("a page that is not the Author's own, and {path} cannot be read either"));
        return problem.because(Cause::GatewayInstead);
    }
    let problem = Problem::error(format!(
        "{} answered 404, and {path}, which every Author has, cannot be read either: the user may not read it, or \
         something else answers in the Author's place; is the context path right?",
        reply.what()
    ));
    problem.because(Cause::AccessDenied)
}

/// The children of a node, in the repository's order; `jcr:` and `rep:` nodes are not among them (§4.1, Listing).
pub fn children(node: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let internal = |name: &str| name.starts_with("jcr:") || name.starts_with("rep:");
    let all = node.as_object().into_iter().flatten();
    all.filter(move |(name, value)| value.is_object() && !internal(name)).map(|(name, value)| (name.as_str(), value))
}

/// A property as text, whatever its type; several values are joined by a comma.
pub fn text(node: &Value, name: &str) -> Option<String> {
    match node.get(name)? {
        Value::Null | Value::Object(_) => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(values) => Some(values.iter().map(plain).collect::<Vec<_>>().join(", ")),
        value => Some(value.to_string()),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use url::Url;

    use super::*;
    use crate::canned::{self, Answer};
    use crate::problem::Kind;
    use crate::redact::Redactor;

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            surface: "author.node".into(),
            method: "GET".into(),
            url: Url::parse("http://localhost/a.1.json").expect("a URL"),
            status,
            headers: Vec::new(),
            body: body.into(),
            redactor: Redactor::default(),
        }
    }

    #[test]
    fn a_node_says_its_type_and_what_does_not_is_no_answer_of_the_author() {
        let cause = |body: &str| whole(reply(200, body)).map_err(|problem| (problem.kind, problem.cause));
        assert!(cause(r#"{"jcr:primaryType":"sling:Folder","a":{"jcr:primaryType":"sling:Folder"}}"#).is_ok());
        for body in [r#"{"code":1020,"message":"blocked"}"#, "[]", r#"{"jcr:primaryType":{}, "a":1}"#] {
            assert_eq!(cause(body), Err((Kind::Error, Some(Cause::GatewayInstead))), "{body}");
        }
        for body in ["{}", r#"{"a":{"b":1}}"#, r#"{"jcr:primaryType":"sling:Folder","a":{}}"#] {
            assert_eq!(cause(body), Err((Kind::Error, Some(Cause::AccessDenied))), "{body}");
        }
    }

    async fn found_at_other(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Result<bool, Option<Cause>> {
        let session = canned::session(answer).await;
        let call = Call::to("tenant.content").with("tenant", "t").with("path", "a/b").with("depth", "1");
        at_other(&session, call).await.map(|node| node.is_some()).map_err(|problem| problem.cause)
    }

    #[tokio::test]
    async fn another_system_proves_what_is_absent() {
        let not_found = |body: &str| (404, "", body.to_owned());
        let slings = "<html><head><title>404 No resource found</title></head></html>";
        assert_eq!(found_at_other(move |_| not_found(slings)).await, Ok(false));
        for body in ["default backend - 404", r#"{"status":404}"#, "<h1>404 Not Found</h1>", "<html>nginx</html>"] {
            let found = found_at_other(move |_| not_found(body)).await;
            assert_eq!(found, Err(Some(Cause::GatewayInstead)), "{body}");
        }
        let below =
            |members: Value| {
                found_at_other(move |path| {
                    if path.ends_with("/t/a.1.json") { canned::node(members.clone()) } else { not_found("") }
                })
            };
        assert_eq!(below(json!({"c": {}})).await, Ok(false));
        assert_eq!(below(json!({"b": {}})).await, Err(Some(Cause::TwoStates)));
        assert_eq!(found_at_other(|_| canned::node(json!({}))).await, Ok(true));
        let blocked = found_at_other(|_| (200, "", r#"{"message":"blocked"}"#.to_owned())).await;
        assert_eq!(blocked, Err(Some(Cause::GatewayInstead)));
    }

    #[test]
    fn properties_and_internal_nodes_are_no_children() {
        let node = json!({"jcr:title": "x", "jcr:content": {}, "rep:policy": {}, "publish": {}, "flush": {"a": 1}});
        assert_eq!(children(&node).map(|(name, _)| name).collect::<Vec<_>>(), ["publish", "flush"]);
        assert_eq!(children(&json!("text")).count(), 0);
    }

    #[test]
    fn a_property_is_text_whatever_its_type() {
        let node = json!({"a": "x", "b": true, "c": 5, "d": ["x", 1], "e": {}, "f": null});
        let texts = ["a", "b", "c", "d", "e", "f", "g"].map(|name| text(&node, name).unwrap_or("-".into()));
        assert_eq!(texts, ["x", "true", "5", "x, 1", "-", "-", "-"]);
    }
}
