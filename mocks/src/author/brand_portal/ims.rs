//! Adobe IMS Configurations: the console, Create, Check Health and Delete (surfaces.md §2.1–2.3).

use bpconform_fixtures::Surface;
use jiff::Timestamp;
use url::Url;

use super::page::{Field, document, form as html_form};
use super::token::Provider;
use super::{Conversation, start};
use crate::author::repository::Node;
use crate::author::{Author, escape, plain};
use crate::machine::{CallResult, Form, Response, Step};

/// The IMS paths for the exchange of a JWT and for client credentials.
const TOKEN: &str = "ims.token";
const EXCHANGE: &str = "ims.exchange-jwt";

/// The input of the page Create.
struct Account<'a> {
    jwt: bool,
    title: &'a str,
    server: &'a str,
    client_id: &'a str,
    client_secret: &'a str,
    scope: &'a str,
    org_id: &'a str,
    alias: &'a str,
    claims: Vec<String>,
}

impl Author {
    /// The page of Tools > Security > Adobe IMS Configurations.
    pub(super) fn ims_console(&self, now: Timestamp) -> Response {
        let surface = self.surfaces.get("author.ims-console");
        let cards: String = self.providers().iter().map(|provider| self.ims_card(now, surface, provider)).collect();
        let create = self.surfaces.get("author.ims-create");
        let types = [("oauth", "OAuth"), ("jwt", "JWT (deprecated)")];
        let types = types.map(|(word, label)| (create.phrase(word).to_owned(), label.to_owned())).to_vec();
        let solution = create.phrase("cloud-solution").to_owned();
        let aliases = self.aliases().into_iter().map(|alias| (alias.clone(), alias)).collect();
        let token = self.csrf_field(now);
        let fields = [
            token.field(),
            Field::Choice(create.field("cloud-solution"), "Cloud Solution", vec![(solution.clone(), solution)]),
            Field::Choice(create.field("authentication-type"), "Authentication Type", types),
            Field::Text(create.field("title"), "Title"),
            Field::Text(create.field("authorization-server"), "Authorization Server"),
            Field::Text(create.field("client-id"), "API Key"),
            Field::Password(create.field("client-secret"), "Client Secret"),
            Field::Text(create.field("scope"), "Scope"),
            Field::Text(create.field("org-id"), "Organization ID"),
            Field::Choice(create.field("key-pair-alias"), "Certificate", aliases),
            Field::Text(create.field("jwt-claims"), "Payload"),
        ];
        let create = html_form("post", &create.path, &fields, "Create");
        let certificates = self.certificates_section(now);
        document(200, "Adobe IMS Configurations", &format!("{cards}<h2>Create</h2>\n{create}{certificates}"))
    }

    /// Create certificate and Download Public Key, the first step of Create.
    fn certificates_section(&self, now: Timestamp) -> String {
        let (create, download) =
            (self.surfaces.get("author.certificate-create"), self.surfaces.get("author.certificate-download"));
        let token = self.csrf_field(now);
        let solution = self.surfaces.get("author.ims-create").phrase("cloud-solution");
        let fields = [
            token.field(),
            Field::Hidden(create.field("cloud-solution"), solution),
            Field::Text(create.field("alias"), "Alias"),
        ];
        let form = html_form("post", &create.path, &fields, "Create certificate");
        let link = |alias: String| {
            let path = download.path.replace("{alias}", &alias);
            format!(
                "<li><strong>{}</strong> <a href=\"{}\">Download Public Key</a></li>\n",
                escape(&alias),
                escape(&path)
            )
        };
        let links: String = self.aliases().into_iter().map(link).collect();
        format!("<h2>Certificates</h2>\n<ul>\n{links}</ul>\n{form}")
    }

    fn ims_card(&self, now: Timestamp, surface: &Surface, provider: &Provider) -> String {
        let badge = if provider.is_jwt() { surface.wording("deprecated") } else { "" };
        let (health, delete) = (self.surfaces.get("author.ims-health"), self.surfaces.get("author.ims-delete"));
        let token = self.csrf_field(now);
        let check = [Field::Hidden(health.field("configuration"), &provider.pid)];
        let remove = [token.field(), Field::Hidden(delete.field("configuration"), &provider.pid)];
        format!(
            "<article class=\"card\" data-pid=\"{pid}\"><p>{kind}</p><h2>{title}</h2><p>{badge}</p>\n{check}{remove}</article>\n",
            pid = escape(&provider.pid),
            kind = surface.wording("card"),
            title = escape(&provider.title),
            check = html_form("get", &health.path, &check, "Check Health"),
            remove = html_form("post", &delete.path, &remove, "Delete"),
        )
    }

    /// Create: stores the two configurations and answers with the PID.
    pub(super) fn ims_create(&mut self, form: &Form) -> Response {
        let surfaces = std::sync::Arc::clone(&self.surfaces);
        let account = match account(surfaces.get("author.ims-create"), form) {
            Ok(account) => account,
            Err(problem) => return plain(400, &format!("{problem}\n")),
        };
        if account.jwt && !self.has_key(account.alias) {
            return plain(400, &format!("the key store has no certificate under the alias {}\n", account.alias));
        }
        plain(200, &self.store_account(&account))
    }

    fn store_account(&mut self, account: &Account<'_>) -> String {
        let surfaces = std::sync::Arc::clone(&self.surfaces);
        let surface = surfaces.get("author.ims-storage");
        let random = self.brand_portal.names.hex(4);
        let pid = format!("{}.{random}", surface.phrase("provider"));
        let kind = format!("ims-{random}");
        let endpoint = surfaces.get(if account.jwt { EXCHANGE } else { TOKEN }).path.as_str();
        let request = format!("{}{endpoint}", account.server.trim_end_matches('/'));
        let provider = Node::new("sling:OsgiConfig")
            .with(surface.field("name"), format!("Adobe Brand Portal {random}"))
            .with(surface.field("title"), account.title)
            .with(surface.field("endpoint"), account.server)
            .with(surface.field("token-request"), request)
            .with(surface.field("client-id"), account.client_id)
            .with(surface.field("claims"), account.claims.clone())
            .with(surface.field("provider-customizer-type"), kind.as_str());
        let provider = if account.jwt {
            provider.with(surface.field("key-pair-alias"), account.alias)
        } else {
            provider
                .with(surface.field("grants"), surfaces.get(TOKEN).phrase("grant"))
                .with(surface.field("scope"), account.scope)
                .with(surface.field("org-id"), account.org_id)
        };
        self.store_configuration(&pid, provider);
        let customizer = Node::new("sling:OsgiConfig")
            .with(surface.field("customizer-type"), kind)
            .with(surface.field("secret"), account.client_secret);
        self.store_configuration(&format!("{}.{random}", surface.phrase("customizer")), customizer);
        pid
    }

    /// Delete: removes both configurations of each PID.
    pub(super) fn ims_delete(&mut self, form: &Form) -> Response {
        let pids = form.all(self.surfaces.get("author.ims-delete").field("configuration"));
        if pids.is_empty() {
            return plain(400, "configurationIds is missing\n");
        }
        if let Some(unknown) = pids.iter().find(|pid| self.provider(pid).is_none()) {
            return plain(404, &format!("no IMS configuration has the PID {unknown}\n"));
        }
        for pid in pids {
            self.remove_provider(pid);
        }
        plain(200, "")
    }

    fn remove_provider(&mut self, pid: &str) {
        let surface = self.surfaces.get("author.ims-storage");
        let (own, others) = (surface.field("provider-customizer-type"), surface.field("customizer-type"));
        let pid = pid.replacen("provider-", "provider.", 1);
        let Some((_, path, kind)) = self
            .configurations(surface.phrase("provider"))
            .into_iter()
            .map(|(pid, path, node)| (pid, path, node.text(own).map(str::to_owned)))
            .find(|(known, _, _)| *known == pid)
        else {
            return;
        };
        let customizers = self.configurations(surface.phrase("customizer"));
        let customizer =
            customizers.into_iter().find(|(_, _, node)| kind.is_some() && node.text(others) == kind.as_deref());
        let customizer = customizer.map(|(_, path, _)| path);
        for path in customizer.into_iter().chain([path]) {
            self.repository.remove(&path);
        }
    }

    /// Check Health: asks the configured IMS for a token.
    pub(super) fn ims_health(&mut self, now: Timestamp, form: &Form) -> Step {
        let pid = form.get(self.surfaces.get("author.ims-health").field("configuration")).unwrap_or_default();
        let Some(provider) = self.provider(pid) else {
            return Step::Answer(plain(404, &format!("no IMS configuration has the PID `{pid}`\n")));
        };
        match self.token_request(now, &provider) {
            Ok(call) => start(&mut self.brand_portal, Conversation::Health(provider), call),
            Err(problem) => {
                let problem = self.token_failure(now, &problem);
                Step::Answer(unhealthy(&provider, &problem))
            }
        }
    }

    /// The answer to Check Health, from the answer of IMS.
    pub(super) fn ims_health_checked(&mut self, now: Timestamp, provider: &Provider, outcome: CallResult) -> Step {
        let surface = self.surfaces.get("author.ims-health").clone();
        Step::Answer(match self.token_answer(now, provider.is_jwt(), outcome) {
            Ok(_) => {
                let message = self.healthy(surface.wording("message")).replace("{title}", &provider.title);
                document(200, surface.wording("heading"), &format!("<p>{}</p>", escape(&message)))
            }
            Err(problem) => unhealthy(provider, &problem),
        })
    }
}

/// The wording of a real Author is not known (surfaces.md §2.2), so this one is invented by the mock.
fn unhealthy(provider: &Provider, problem: &str) -> Response {
    let body =
        format!("<p>{}: No token could be retrieved.</p><pre>{}</pre>", escape(&provider.title), escape(problem));
    document(200, "Unhealthy configuration", &body)
}

fn account<'a>(surface: &Surface, form: &'a Form) -> Result<Account<'a>, String> {
    let optional = |word: &str| form.get(surface.field(word)).map(str::trim).unwrap_or_default();
    let needed = |word: &str| match optional(word) {
        "" => Err(format!("{} is missing", surface.field(word))),
        value => Ok(value),
    };
    let solution = needed("cloud-solution")?;
    if solution != surface.phrase("cloud-solution") {
        return Err(format!("{solution} is not a cloud solution of this Author"));
    }
    let jwt = match optional("authentication-type") {
        kind if kind == surface.phrase("oauth") => false,
        kind if kind == surface.phrase("jwt") => true,
        "" => !optional("jwt-claims").is_empty(),
        other => return Err(format!("{other} is not an authentication type")),
    };
    let mut account = Account {
        jwt,
        title: needed("title")?,
        server: needed("authorization-server")?,
        client_id: needed("client-id")?,
        client_secret: needed("client-secret")?,
        scope: "",
        org_id: "",
        alias: "",
        claims: Vec::new(),
    };
    let url =
        Url::parse(account.server).map_err(|error| format!("{}: {error}", surface.field("authorization-server")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("{} is not the address of an authorization server", account.server));
    }
    if jwt {
        account.alias = needed("key-pair-alias")?;
        account.claims = claims(needed("jwt-claims")?)?;
    } else {
        account.scope = needed("scope")?;
        account.org_id = needed("org-id")?;
        account.claims = vec![format!("\"iss\" : \"{}\"", account.org_id)];
    }
    Ok(account)
}

/// The members of the JWT payload as AEM stores them, one text for each.
fn claims(payload: &str) -> Result<Vec<String>, String> {
    let payload: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(payload).map_err(|error| format!("the payload is not a JSON object: {error}"))?;
    Ok(payload.iter().map(|(name, value)| format!("{} : {value}", serde_json::Value::from(name.as_str()))).collect())
}
