//! The Brand Portal cloud configurations of the Author, under either of the two roots that sources name (surfaces.md §3.3).

use bpconform_fixtures::{Cause, Surface};
use serde_json::Value;
use url::Url;

use super::{address, page_content, repository, users};
use crate::call::Call;
use crate::problem::{Checked, Problem, ensure};
use crate::session::Session;

/// One Brand Portal cloud configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CloudConfiguration {
    /// The path of the configuration, without `jcr:content`.
    pub path: String,
    /// Its title.
    pub title: Option<String>,
    /// The Service URL: the tenant's address.
    pub tenant_url: Option<String>,
    /// The PID of its IMS configuration.
    pub ims_configuration: Option<String>,
    /// Its resource type.
    pub resource_type: Option<String>,
}

impl CloudConfiguration {
    /// The tenant's address without a slash at its end, as it is compared.
    pub fn tenant(&self) -> Option<&str> {
        self.tenant_url.as_deref().map(|url| url.trim_end_matches('/'))
    }

    /// The id of its tenant: the first label of the host.
    pub(crate) fn tenant_id(&self) -> Option<String> {
        let url = Url::parse(self.tenant()?).ok()?;
        url.host_str()?.split('.').next().filter(|id| !id.is_empty()).map(str::to_owned)
    }
}

/// The two paths below which configurations are kept.
pub fn roots(session: &Session) -> Vec<String> {
    let surface = session.surface("author.cloud-storage");
    let root = |path: &String| path.split_once(".-1.json").map_or(path.as_str(), |(root, _)| root).to_owned();
    std::iter::once(&surface.path).chain(&surface.alternatives).map(root).collect()
}

/// All Brand Portal cloud configurations, of both roots; none is an answer, not an error.
pub async fn all(session: &Session) -> Checked<Vec<CloudConfiguration>> {
    let surface = session.surface("author.cloud-storage");
    let mut found = Vec::new();
    for (variant, root) in roots(session).iter().enumerate() {
        if let Some(node) =
            repository::at(session, Call::to("author.cloud-storage").variant(variant).compared(), root, None).await?
        {
            found.extend(below(surface, root, &node)?);
        }
    }
    if found.is_empty() {
        prove_readable(session).await?;
    }
    session.run.is_the_same("the Brand Portal cloud configurations", &format!("{found:?}"))?;
    Ok(found)
}

/// Fails unless a configuration has a title.
pub fn judge_title(found: &CloudConfiguration) -> Checked {
    let has_title = found.title.as_ref().is_some_and(|title| !title.trim().is_empty());
    ensure(has_title, || format!("{} has no title", found.path))
}

/// Makes sure that the user could have seen a configuration: every Author has one of the folders above the two roots, unless
/// they were deleted. The administrator sees all that is there, so that a list without them proves that.
async fn prove_readable(session: &Session) -> Checked {
    let parents: Vec<String> =
        roots(session).iter().filter_map(|root| root.rsplit_once('/').map(|(parent, _)| parent.to_owned())).collect();
    for parent in &parents {
        if repository::read(session, parent, "0").await?.is_some() {
            return Ok(());
        }
    }
    if users::logged_in(session).await? == session.surface("author.current-user").phrase("administrator") {
        return Ok(());
    }
    let problem = Problem::error(format!("none of {} can be seen: the user may not read them", parents.join(", ")));
    Err(problem.because(Cause::AccessDenied))
}

/// Those in the JSON of a root, the node at that path.
pub fn below(surface: &Surface, path: &str, root: &Value) -> Checked<Vec<CloudConfiguration>> {
    let fields =
        ["title", "tenant-url", "ims-configuration", "resource-type"].map(|word| surface.field(word).to_owned());
    let mut found = Vec::new();
    collect(path, root, &fields, &mut found)?;
    Ok(found)
}

/// Takes every node below the root that holds a tenant's address or is of the configuration's resource type. An error if the
/// content of a page is hidden: it may be a configuration.
fn collect(path: &str, node: &Value, fields: &[String; 4], found: &mut Vec<CloudConfiguration>) -> Checked {
    let [title, tenant_url, ims, resource_type] = fields;
    let text = |name: &str| repository::text(node, name).filter(|value| !value.is_empty());
    let resource_type = text(resource_type);
    let configures = resource_type.as_deref().is_some_and(|kind| kind.ends_with("mediaportal/config"));
    if text(tenant_url).is_some() || configures {
        found.push(CloudConfiguration {
            path: path.trim_end_matches("/jcr:content").to_owned(),
            title: text(title),
            tenant_url: text(tenant_url).map(|url| address::normal(&url)),
            ims_configuration: text(ims),
            resource_type,
        });
    }
    for (name, child) in node.as_object().into_iter().flatten().filter(|(_, child)| child.is_object()) {
        let path = format!("{path}/{name}");
        page_content::judge(&path, child)?;
        collect(&path, child, fields, found)?;
    }
    Ok(())
}

/// Whether what a configuration holds names the legacy OAuth gateway, which has had several hosts.
pub fn names_gateway(surface: &Surface, node: &Value) -> bool {
    match node {
        Value::String(text) => surface.phrase("legacy-gateway").split(' ').any(|host| text.contains(host)),
        Value::Array(values) => values.iter().any(|value| names_gateway(surface, value)),
        Value::Object(fields) => fields.values().any(|value| names_gateway(surface, value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::canned;

    #[test]
    fn the_legacy_gateway_is_known_by_any_of_its_hosts() {
        let surface = bpconform_fixtures::Surfaces::built_in().get("author.cloud-storage");
        let names = |host: &str| {
            let held = serde_json::json!({"jcr:content": {"servers": ["https://x/", format!("https://{host}/")]}});
            names_gateway(surface, &held)
        };
        assert!(names("legacy-oauth.cloud.adobe.io") && names("hypnosisprod.ethos11-prod-or1.ethos.adobe.net"));
        assert!(!names("ims-na1.adobelogin.com"));
    }

    /// What is found on an Author whose user is called that, which has neither root nor a folder above one.
    async fn found_without_roots(user: &'static str) -> Result<usize, Option<Cause>> {
        let session = canned::session(move |path| match path {
            "/etc.1.json" | "/conf/global.1.json" => canned::node(json!({})),
            _ if path.contains("currentuser") => (200, "", json!({ "authorizableId": user }).to_string()),
            _ => (404, "", String::new()),
        });
        all(&session.await).await.map(|found| found.len()).map_err(|problem| problem.cause)
    }

    #[tokio::test]
    async fn what_is_not_listed_is_absent_for_who_sees_all() {
        assert_eq!(found_without_roots("admin").await, Ok(0));
        assert_eq!(found_without_roots("somebody").await, Err(Some(Cause::AccessDenied)));
    }

    fn collected(node: &Value) -> Checked<Vec<CloudConfiguration>> {
        let mut found = Vec::new();
        let fields = ["jcr:title", "tenantURL", "imsConfig", "sling:resourceType"].map(str::to_owned);
        collect("/etc/cloudservices/mediaportal", node, &fields, &mut found)?;
        Ok(found)
    }

    #[test]
    fn a_configuration_is_found_in_a_page_or_in_a_node() {
        let found = collected(&json!({
            "jcr:content": {"jcr:title": "Brand Portal"},
            "one": {"jcr:content": {"jcr:title": "One", "tenantURL": "https://x.example/", "imsConfig": "pid"}},
            "two": {"sling:resourceType": "/libs/dam/components/mediaportal/config"},
        }))
        .expect("nothing is hidden");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].path, "/etc/cloudservices/mediaportal/one");
        assert_eq!(found[0].tenant(), Some("https://x.example"));
        assert_eq!((found[1].path.as_str(), &found[1].title), ("/etc/cloudservices/mediaportal/two", &None));
    }

    #[test]
    fn an_empty_root_holds_none() {
        assert_eq!(collected(&json!({"jcr:primaryType": "cq:Page"})), Ok(Vec::new()));
    }

    #[test]
    fn a_page_of_which_the_content_is_hidden_is_an_error() {
        let page = json!({"jcr:content": {"tenantURL": "https://x.example/"}, "jcr:primaryType": "cq:Page"});
        let problem = collected(&json!({"one": page, "two": {"jcr:primaryType": "cq:Page"}})).expect_err("hidden");
        assert_eq!((problem.kind, problem.cause), (crate::problem::Kind::Error, Some(Cause::AccessDenied)));
        assert!(problem.reason.contains("/etc/cloudservices/mediaportal/two"), "{problem}");
    }
}
