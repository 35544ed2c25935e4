//! Reads and deletions of the Author's content repository through Sling (surfaces.md §5.7).

use serde_json::Value;

use crate::call::Call;
use crate::problem::{Checked, Problem};
use crate::session::Session;

/// The node at that path with its descendants down to `depth` (a number, `-1` or `infinity`); none where there is none.
pub async fn read(session: &Session, path: &str, depth: &str) -> Checked<Option<Value>> {
    tree(session, Call::to("author.node").with("path", path.trim_start_matches('/')).with("depth", depth)).await
}

/// What a request for a node's JSON finds: 404 is no node, 300 is one that is too deep to be sent at once.
pub(crate) async fn tree(session: &Session, call: Call) -> Checked<Option<Value>> {
    let reply = session.send(call).await?;
    if reply.status == 404 {
        return Ok(None);
    }
    if reply.status == 300 {
        return Err(Problem::error(format!("{}: the Author says that the tree is too deep to be read", reply.what())));
    }
    let reply = reply.expect_status(&[200])?;
    match reply.json()? {
        node @ Value::Object(_) => Ok(Some(node)),
        _ => Err(Problem::error(format!("{} answered JSON that is no node; {}", reply.what(), reply.excerpt()))),
    }
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

    use super::*;

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
