//! The Brand Portal cloud service: its console, its creation, and the objects that AEM creates some time later: the node,
//! the Mac user and the four agents (surfaces.md §3, §4.1).

use bpconform_fixtures::Product;
use bpconform_fixtures::surfaces::expand;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::agent::AGENTS;
use super::page::{Field, document, form as html_form};
use crate::author::repository::{Node, Value, join};
use crate::author::{Author, escape, plain};
use crate::machine::{Form, Response};

/// The delays between saving and the appearance of configuration, Mac user and agents, by the mock's clock.
const NODE_AFTER: SignedDuration = SignedDuration::from_millis(100);
const USER_AFTER: SignedDuration = SignedDuration::from_millis(200);
const AGENTS_AFTER: SignedDuration = SignedDuration::from_millis(300);

/// A stored cloud configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CloudConfiguration {
    /// The name of its page.
    pub(super) name: String,
    pub(super) title: String,
    pub(super) tenant_url: String,
    pub(super) ims: String,
    public_folder: bool,
    scopes: String,
}

/// A step that AEM takes some time after a cloud service was saved.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) due: Timestamp,
    what: ProvisionStep,
    configuration: CloudConfiguration,
    user: String,
}

#[derive(Clone, Copy, Debug)]
enum ProvisionStep {
    Node,
    User,
    Agents,
}

impl CloudConfiguration {
    /// The tenant's id: the first label of its address (surfaces.md §3.5).
    pub(super) fn tenant(&self) -> String {
        tenant(&self.tenant_url).unwrap_or_default()
    }
}

impl Author {
    /// The root of cloud configurations.
    pub(super) fn cloud_path(&self) -> String {
        let path = &self.surfaces.get("author.cloud-storage").path;
        path.trim_end_matches(".json").trim_end_matches(".-1").to_owned()
    }

    /// All Brand Portal configurations.
    pub(super) fn cloud_configurations(&self) -> Vec<CloudConfiguration> {
        let surface = self.surfaces.get("author.cloud-storage");
        let Some(folder) = self.repository.get(&self.cloud_path()) else { return Vec::new() };
        let pages = folder.children.iter().filter_map(|(name, page)| Some((name, page.child("jcr:content")?)));
        let text = |node: &Node, word: &str| node.text(surface.field(word)).unwrap_or_default().to_owned();
        pages
            .filter(|(_, content)| content.text(surface.field("tenant-url")).is_some())
            .map(|(name, content)| CloudConfiguration {
                name: name.clone(),
                title: text(content, "title"),
                tenant_url: text(content, "tenant-url"),
                ims: text(content, "ims-configuration"),
                public_folder: content.flag(surface.field("public-folder")),
                scopes: text(content, "scopes"),
            })
            .collect()
    }

    /// Tools > Cloud Services > AEM Brand Portal.
    pub(super) fn cloud_console(&self, now: Timestamp) -> Response {
        let entries: Vec<_> = self
            .cloud_configurations()
            .iter()
            .map(|one| {
                format!("<li>{} ({}): {}</li>\n", escape(&one.title), escape(&one.name), escape(&one.tenant_url))
            })
            .collect();
        let entries = entries.concat();
        let create = self.surfaces.get("author.cloud-create");
        let accounts = self.providers().into_iter().map(|provider| (provider.pid, provider.title)).collect();
        let token = self.csrf_field(now);
        let fields = [
            token.field(),
            Field::Hidden(create.field("item"), ""),
            Field::Hidden(create.field("resource-type"), create.phrase("resource-type")),
            Field::Hidden(create.field("scopes"), create.phrase("scopes")),
            Field::Text(create.field("title"), "Title"),
            Field::Choice(create.field("ims-configuration"), "Associated Adobe IMS Configuration", accounts),
            Field::Text(create.field("tenant-url"), "Service URL"),
            Field::Check(create.field("public-folder"), "Public Folder Publish"),
        ];
        let form = html_form("post", &create.path, &fields, "Save &amp; Close");
        document(200, "Brand Portal Configurations", &format!("<ul>\n{entries}</ul>\n<h2>Create</h2>\n{form}"))
    }

    /// Save & Close: validates the input; the results appear later.
    pub(super) fn cloud_create(&mut self, now: Timestamp, form: &Form) -> Response {
        let configuration = match self.entered(form) {
            Ok(configuration) => configuration,
            Err(problem) => return plain(400, &format!("{problem}\n")),
        };
        let waiting = self.brand_portal.pending.iter().map(|pending| pending.configuration.clone());
        if let Some(other) =
            self.cloud_configurations().into_iter().chain(waiting).find(|one| one.name != configuration.name)
        {
            return plain(
                409,
                &format!("this Author is configured with the tenant {} already: {}\n", other.tenant(), other.name),
            );
        }
        for (after, what) in [
            (NODE_AFTER, ProvisionStep::Node),
            (USER_AFTER, ProvisionStep::User),
            (AGENTS_AFTER, ProvisionStep::Agents),
        ] {
            let (configuration, user) = (configuration.clone(), self.user.clone());
            self.brand_portal.pending.push(Pending { due: now + after, what, configuration, user });
        }
        plain(200, "")
    }

    fn entered(&self, form: &Form) -> Result<CloudConfiguration, String> {
        let surface = self.surfaces.get("author.cloud-create");
        let optional = |word: &str| form.get(surface.field(word)).map(str::trim).unwrap_or_default();
        let needed = |word: &str| match optional(word) {
            "" => Err(format!("{} is missing", surface.field(word))),
            value => Ok(value.to_owned()),
        };
        let title = needed("title")?;
        let ims = needed("ims-configuration")?;
        let tenant_url = needed("tenant-url")?;
        tenant(&tenant_url).map_err(|problem| format!("{} {tenant_url}: {problem}", surface.field("tenant-url")))?;
        if self.provider(&ims).is_none() {
            return Err(format!("{}: no IMS configuration has the PID {ims}", surface.field("ims-configuration")));
        }
        let item = optional("item").trim_end_matches("/jcr:content").rsplit('/').next().unwrap_or_default().to_owned();
        let name = if item.is_empty() { node_name(&title) } else { item };
        let public_folder = optional("public-folder") == "true";
        Ok(CloudConfiguration { name, title, tenant_url, ims, public_folder, scopes: optional("scopes").to_owned() })
    }

    /// Runs the steps that have fallen due after a cloud service was saved.
    pub(super) fn provision(&mut self, now: Timestamp) {
        let pending = std::mem::take(&mut self.brand_portal.pending);
        let (due, later): (Vec<_>, Vec<_>) = pending.into_iter().partition(|pending| pending.due <= now);
        self.brand_portal.pending = later;
        for Pending { what, configuration, user, .. } in due {
            match what {
                ProvisionStep::Node => self.store_cloud_configuration(now, &configuration, &user),
                ProvisionStep::User if self.line == Product::AemCloud => {}
                ProvisionStep::Agents if self.line == Product::AemCloud => self.make_distribution_agent(),
                ProvisionStep::User => self.make_mac_user(now, &configuration.tenant()),
                ProvisionStep::Agents => self.make_agents(now, &configuration),
            }
        }
    }

    fn store_cloud_configuration(&mut self, now: Timestamp, configuration: &CloudConfiguration, user: &str) {
        let surfaces = std::sync::Arc::clone(&self.surfaces);
        let surface = surfaces.get("author.cloud-storage");
        let path = join(&self.cloud_path(), &configuration.name);
        self.repository.ensure(&self.cloud_path(), "cq:Page");
        self.repository.ensure(&path, "cq:Page");
        let content = self.repository.ensure(&join(&path, "jcr:content"), "cq:PageContent");
        content.set(surface.field("title"), configuration.title.as_str());
        content.set(surface.field("tenant-url"), configuration.tenant_url.as_str());
        content.set(surface.field("ims-configuration"), configuration.ims.as_str());
        content.set(surface.field("resource-type"), surfaces.get("author.cloud-create").phrase("resource-type"));
        content.set(surface.field("scopes"), configuration.scopes.as_str());
        content.set(surface.field("public-folder"), configuration.public_folder);
        content.set("jcr:lastModified", now);
        content.set("jcr:lastModifiedBy", user);
    }

    fn make_mac_user(&mut self, now: Timestamp, tenant: &str) {
        let surface = self.surfaces.get("author.authorizables");
        let values = [("tenant".to_owned(), tenant.to_owned())].into();
        let fill = |word| expand(surface.phrase(word), &values).unwrap_or_default();
        let (id, folder) = (fill("mac-user"), fill("mac-folder"));
        let Some(home) = self.create_authorizable(now, &id, Some(&folder), "rep:User") else { return };
        self.repository.ensure(&join(&home, "keystore"), "nt:unstructured");
        self.repository.ensure(&join(&home, "keystore/store.p12"), "nt:file");
        let store = self.repository.ensure(&join(&home, "keystore/store.p12/jcr:content"), "nt:resource");
        store.set("jcr:mimeType", "application/x-pkcs12");
        store.set("jcr:data", Value::Binary(format!("mocked keys of {id}").into_bytes()));
        self.repository.ensure(&join(&home, "oauth"), "nt:unstructured");
        self.repository.ensure(&join(&home, "rep:policy"), "rep:ACL");
        let allow = self.repository.ensure(&join(&home, "rep:policy/allow"), "rep:GrantACE");
        allow.set("rep:principalName", id);
        allow.set("rep:privileges", ["jcr:read"].as_slice());
    }

    /// Creates missing agents; existing ones get the provider of the configuration.
    fn make_agents(&mut self, now: Timestamp, configuration: &CloudConfiguration) {
        let surfaces = std::sync::Arc::clone(&self.surfaces);
        let surface = surfaces.get("author.agent");
        let tenant = configuration.tenant();
        for index in 0..AGENTS {
            let page = join(&self.agents_path(), &self.agent_id(&tenant, index));
            let content = join(&page, "jcr:content");
            if let Some(agent) = self.repository.get_mut(&content) {
                agent.set(surface.field("provider-pid"), configuration.ims.as_str());
                continue;
            }
            let agent = self.generated_agent(&tenant, index, configuration).with("jcr:created", now);
            self.brand_portal.workers.remove(&self.agent_id(&tenant, index));
            self.brand_portal.logs.remove(&self.agent_id(&tenant, index));
            self.repository.ensure(&page, "cq:Page");
            self.repository.insert(&content, agent);
        }
    }

    /// An agent as AEM generates it (§4.1; encodings inferred from a page and the log of a test).
    fn generated_agent(&self, tenant: &str, index: usize, configuration: &CloudConfiguration) -> Node {
        let surface = self.surfaces.get("author.agent");
        let url = configuration.tenant_url.trim_end_matches('/');
        let mac_user = self.surfaces.get("author.authorizables").phrase("mac-user").replace("{tenant}", tenant);
        let texts = [
            ("title", self.agent_phrase("title", tenant, index, url)),
            ("target", self.agent_phrase("target", tenant, index, url)),
            ("resource-type", surface.phrase("resource-type").to_owned()),
            ("template", surface.phrase("template").to_owned()),
            ("enabled", "true".to_owned()),
            ("trigger", "true".to_owned()),
            ("provider-pid", configuration.ims.clone()),
            ("connect-timeout", "180000".to_owned()),
            ("socket-timeout", "600000".to_owned()),
            ("http-version", "1.1".to_owned()),
            ("http-method", "POST".to_owned()),
            ("serialization", "durbo".to_owned()),
            ("user", "dam-replication-service".to_owned()),
            ("transport-user", mac_user),
            ("retry-delay", "60000".to_owned()),
            ("log-level", "info".to_owned()),
        ];
        let node = Node::new("cq:PageContent").with(surface.field("oauth"), true);
        texts.into_iter().fold(node, |node, (word, value)| node.with(surface.field(word), value))
    }
}

/// The tenant id of a Service URL (surfaces.md §3.5); the error says why the URL is invalid.
pub(super) fn tenant(url: &str) -> Result<String, String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("the address must begin with https://".into());
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("the address must end after the host".into());
    }
    let Some((tenant, rest)) = url.domain().and_then(|host| host.split_once('.')) else {
        return Err("the host must begin with the tenant's id and a dot".into());
    };
    let letters = tenant.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if tenant.is_empty() || tenant.len() > 32 || tenant.starts_with('-') || !letters || rest.is_empty() {
        return Err(format!("`{tenant}` is not a tenant id"));
    }
    Ok(tenant.to_owned())
}

/// The name of the page for a title.
fn node_name(title: &str) -> String {
    title.chars().map(|letter| if letter.is_alphanumeric() || "-_".contains(letter) { letter } else { '-' }).collect()
}
