//! Whether the content of a page can be read, which holds all that an agent or a cloud configuration is set to.

use bpconform_fixtures::Cause;
use serde_json::Value;

use super::repository;
use crate::problem::{Checked, Problem};

/// An error if this node is a page without content: whoever may read the page alone would take its settings for missing.
pub(super) fn judge(path: &str, node: &Value) -> Checked {
    let is_page = repository::text(node, "jcr:primaryType").as_deref() == Some("cq:Page");
    if !is_page || node.get("jcr:content").is_some_and(Value::is_object) {
        return Ok(());
    }
    let problem =
        Problem::error(format!("the page {path} shows no jcr:content: the user may not read it, or it has none"));
    Err(problem.because(Cause::AccessDenied))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::problem::Kind;

    #[test]
    fn a_page_without_content_is_hidden_and_a_folder_needs_none() {
        let hidden = |node: Value| judge("/etc/a", &node).err().map(|problem| (problem.kind, problem.cause));
        assert_eq!(hidden(json!({"jcr:primaryType": "cq:Page"})), Some((Kind::Error, Some(Cause::AccessDenied))));
        assert_eq!(hidden(json!({"jcr:primaryType": "cq:Page", "jcr:content": {"a": 1}})), None);
        assert_eq!(hidden(json!({"jcr:primaryType": "sling:Folder"})), None);
    }
}
