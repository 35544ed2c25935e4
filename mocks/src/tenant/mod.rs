//! The mocked Brand Portal tenant: it receives deliveries of the Author's agents and serves contributions of its users
//! (surfaces.md §3.5, §4.5, §6.12). It validates each bearer token at IMS.

mod contributions;
mod receiver;

use std::collections::HashMap;
use std::sync::Arc;

use bpconform_fixtures::surfaces::Arguments;
use bpconform_fixtures::{Surfaces, System};
use jiff::Timestamp;
use jsonwebtoken::dangerous::insecure_decode_claims;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::author::repository::Repository;
use crate::author::sling_get::to_json;
use crate::author::{escape, html};
use crate::machine::{Call, CallResult, Machine, Request, Response, Step, Ticket};
use crate::routing::{bearer, not_found, route, text};

use contributions::Contributions;

/// The message without a valid token (surfaces.md §4.2, §4.5).
const UNAUTHORIZED: &str = "Authorization required.";

/// A mocked tenant.
pub struct Tenant {
    surfaces: Arc<Surfaces>,
    id: String,
    ims: String,
    repository: Repository,
    /// The number of stored deliveries, up to the maximum.
    received: usize,
    contributions: Contributions,
    waiting: HashMap<Ticket, Waiting>,
    calls: Ticket,
}

/// A request whose token is being validated at IMS.
struct Waiting {
    surface: String,
    arguments: Arguments,
    request: Request,
}

impl Tenant {
    /// A tenant without content; `ims` is the base address of its IMS.
    pub fn new(surfaces: Arc<Surfaces>, id: &str, ims: &str) -> Self {
        Self {
            surfaces,
            id: id.to_owned(),
            ims: ims.trim_end_matches('/').to_owned(),
            repository: Repository::default(),
            received: 0,
            contributions: Contributions::default(),
            waiting: HashMap::new(),
            calls: 0,
        }
    }

    fn step(&mut self, request: &Request) -> Result<Step, Response> {
        self.is_meant(request)?;
        let surfaces = Arc::clone(&self.surfaces);
        let unknown = || not_found(&surfaces, System::Tenant, request);
        let (surface, arguments) = route(&surfaces, &[System::Tenant], request).ok_or_else(unknown)?;
        if arguments.get("tenant").is_some_and(|tenant| *tenant != self.id) {
            return Err(unknown());
        }
        match surface.id.as_str() {
            "tenant.home" => Ok(Step::Answer(self.home())),
            "tenant.content" | "tenant.tags" | "tenant.node" => self.read(&request.path, &arguments).map(Step::Answer),
            id => {
                let token = bearer(request).ok_or_else(unauthorized)?.to_owned();
                let waiting = Waiting { surface: id.to_owned(), arguments, request: request.clone() };
                Ok(self.ask_ims(&token, waiting))
            }
        }
    }

    /// Rejects a request for another tenant (surfaces.md §3.5: tenant id, not alias).
    fn is_meant(&self, request: &Request) -> Result<(), Response> {
        let host = request.header("host").unwrap_or_default();
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        match host.strip_suffix(".localhost") {
            Some(id) if id != self.id => Err(text(404, &format!("the tenant {id} does not exist\n"))),
            _ => Ok(()),
        }
    }

    fn home(&self) -> Response {
        let page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Brand Portal</title></head>\n\
             <body><h1>Brand Portal: {}</h1>\n<a href=\"/mediaportal.html\">Sign in</a>\n\
             </body></html>\n",
            self.id
        );
        Response::new(200, "text/html;charset=utf-8", page)
    }

    fn read(&self, path: &str, arguments: &Arguments) -> Result<Response, Response> {
        let depth = arguments.get("depth").map_or("", String::as_str);
        let node_path = path.strip_suffix(&format!(".{depth}.json")).unwrap_or(path);
        let depth = match depth {
            "-1" | "infinity" => None,
            number => Some(number.parse().map_err(|_| text(400, "the depth is a number, -1 or infinity\n"))?),
        };
        let node = self.repository.get(node_path);
        let node = node.ok_or_else(|| nothing_at(node_path))?;
        Ok(Response::json(200, &to_json(node, depth)))
    }

    fn ask_ims(&mut self, token: &str, waiting: Waiting) -> Step {
        self.calls += 1;
        self.waiting.insert(self.calls, waiting);
        let surface = self.surfaces.get("ims.validate-token");
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair(surface.field("type"), "access_token");
        // The client id of an unverified token; IMS validates the token.
        let claims = insecure_decode_claims::<Value>(token).unwrap_or_default();
        if let Some(client) = claims["client_id"].as_str() {
            form.append_pair(surface.field("client-id"), client);
        }
        let headers = vec![
            ("authorization".to_owned(), format!("Bearer {token}")),
            ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ];
        let url = format!("{}{}", self.ims, surface.path);
        Step::Call(self.calls, Call { method: surface.method.clone(), url, headers, body: form.finish().into() })
    }

    fn admitted(&mut self, now: Timestamp, waiting: &Waiting) -> Response {
        let Waiting { surface, arguments, request } = waiting;
        let argument = |name: &str| arguments.get(name).map_or("", String::as_str);
        match surface.as_str() {
            "tenant.receive" => self.receive(now, request),
            "tenant.contribute" => self.contribute(argument("folder"), request),
            "tenant.contributions" => self.contributions.list(),
            "tenant.contribution" => self.contributions.read(&self.own(argument("file"))),
            "tenant.contribution-taken" => self.contributions.take(&self.own(argument("file"))),
            _ => not_found(&self.surfaces, System::Tenant, request),
        }
    }

    /// A path below the tenant's content root (surfaces.md §3.5).
    fn own(&self, below: &str) -> String {
        format!("/content/dam/mac/{}/{below}", self.id)
    }
}

impl Machine for Tenant {
    fn handle(&mut self, _: Timestamp, request: &Request) -> Step {
        self.step(request).unwrap_or_else(Step::Answer)
    }

    fn resume(&mut self, now: Timestamp, ticket: Ticket, outcome: CallResult) -> Step {
        let Some(waiting) = self.waiting.remove(&ticket) else { return Step::Done };
        Step::Answer(match is_valid(outcome) {
            Ok(true) => self.admitted(now, &waiting),
            Ok(false) => unauthorized(),
            Err(problem) => text(503, &format!("the tenant cannot ask IMS about the token: {problem}\n")),
        })
    }

    fn dump(&self) -> Value {
        json!({ "repository": self.repository.dump(), "contributions": self.contributions.dump() })
    }

    fn repository_mut(&mut self) -> Option<&mut Repository> {
        Some(&mut self.repository)
    }
}

fn is_valid(outcome: CallResult) -> Result<bool, String> {
    let response = outcome?;
    if response.status != 200 {
        return Err(format!("it answered {}", response.status));
    }
    let body: Value = serde_json::from_slice(&response.body).map_err(|error| error.to_string())?;
    Ok(body["valid"] == true)
}

/// Sling's page for what is not there; Brand Portal is an AEM.
fn nothing_at(path: &str) -> Response {
    let page = format!(
        "<html><head><title>404 No resource found</title></head>\n\
         <body><h1>No resource found</h1><p>the tenant has no {}</p><hr><address>ApacheSling/2.7</address></body></html>\n",
        escape(path)
    );
    html(404, &page)
}

fn unauthorized() -> Response {
    text(401, UNAUTHORIZED).with_header("www-authenticate", "Bearer")
}

/// The SHA-256 of some bytes, in hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    use std::fmt::Write;
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all");
        text
    })
}
