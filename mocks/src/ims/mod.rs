//! The mocked Adobe IMS: token endpoints, validation and the JWT exchange (surfaces.md §1).

mod client;
mod exchange;
mod token;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bpconform_fixtures::{Surfaces, System};
use jiff::Timestamp;
use serde_json::json;

pub use client::{Client, Kind};

use crate::machine::{Form, Machine, Request, Response, Step};
use crate::routing::{bearer, not_found, route};

/// `expires_in` of a token, in seconds (surfaces.md §1.1).
const EXPIRES_IN_SECONDS: i64 = 86_399;

/// The maximum number of clients.
const MOST_CLIENTS: usize = 10_000;

/// A mocked IMS.
pub struct Ims {
    surfaces: Arc<Surfaces>,
    clients: BTreeMap<String, Client>,
    /// The used `jti` claims with their expiry (seconds since the epoch).
    used: HashMap<(String, i64), i64>,
    issued: u64,
}

impl Ims {
    /// An IMS with these clients.
    pub fn new(surfaces: Arc<Surfaces>, clients: impl IntoIterator<Item = Client>) -> Self {
        let clients = clients.into_iter().map(|client| (client.id.clone(), client)).collect();
        Self { surfaces, clients, used: HashMap::new(), issued: 0 }
    }

    fn answer(&mut self, now: Timestamp, request: &Request) -> Response {
        let surfaces = Arc::clone(&self.surfaces);
        let Some((surface, arguments)) = route(&surfaces, &[System::Ims, System::Control], request) else {
            return not_found(&surfaces, System::Ims, request);
        };
        match surface.id.as_str() {
            "control.ims-credential" => self.register(request),
            "control.ims-credential-delete" => self.forget(&arguments["client"]),
            id => match Form::read(request) {
                Ok(form) if id == "ims.token" => self.client_credentials(now, &form),
                Ok(form) if id == "ims.exchange-jwt" => self.exchange(now, &form),
                Ok(form) if id == "ims.validate-token" => self.validate(now, request, &form),
                Ok(_) => not_found(&surfaces, System::Ims, request),
                Err(problem) => error(400, "bad_request", &problem),
            },
        }
    }

    /// `grant_type=client_credentials` (surfaces.md §1.1, its errors §1.2).
    fn client_credentials(&mut self, now: Timestamp, form: &Form) -> Response {
        let surfaces = Arc::clone(&self.surfaces);
        let surface = surfaces.get("ims.token");
        let field = |word: &str| form.get(surface.field(word)).unwrap_or_default();
        let refuse = |code: &str, description: &str| error(400, surface.phrase(code), description);
        if field("grant") != surface.phrase("grant") {
            return refuse("wrong-grant", "the mock grants client_credentials only");
        }
        let Some(client) = self.clients.get(field("client-id")) else {
            return refuse("wrong-client", surface.phrase("wrong-client-id"));
        };
        if !client.has_secret(field("client-secret")) {
            return refuse("wrong-client", surface.phrase("wrong-client-secret"));
        }
        if !client.is_oauth() {
            return error(400, "unauthorized_client", "a service account (JWT) credential has no client_credentials");
        }
        let Some(scope) = client.granted(field("scope")) else {
            return refuse("wrong-scope", "the scope is missing or not one of the credential's");
        };
        let token = token::issue(now, client, &scope, self.issued);
        self.issued += 1;
        let token_type = surface.phrase("token-type");
        granted(&json!({ "access_token": token, "token_type": token_type, "expires_in": EXPIRES_IN_SECONDS }))
    }

    /// Validates a token (surfaces.md §1.5; the reasons are the mock's own).
    fn validate(&self, now: Timestamp, request: &Request, form: &Form) -> Response {
        let surface = self.surfaces.get("ims.validate-token");
        let checked = match form.get(surface.field("type")) {
            Some("access_token") => bearer(request).ok_or("no token").and_then(|token| token::check(now, token)),
            _ => Err("bad type"),
        };
        let checked = checked.and_then(|claims| match form.get(surface.field("client-id")) {
            Some(id) if id != claims.client_id => Err("the token is another client's"),
            _ if !self.clients.contains_key(&claims.client_id) => Err("the credential was deleted"),
            _ => Ok(()),
        });
        Response::json(
            200,
            &match checked {
                Ok(()) => json!({ "valid": true }),
                Err(reason) => json!({ "valid": false, "reason": reason }),
            },
        )
    }

    fn register(&mut self, request: &Request) -> Response {
        if self.clients.len() >= MOST_CLIENTS {
            return error(507, "too_many_clients", "the mock keeps no more clients");
        }
        match serde_json::from_slice::<Client>(&request.body) {
            Ok(client) => {
                self.clients.insert(client.id.clone(), client);
                Response { status: 204, ..Response::default() }
            }
            Err(problem) => error(400, "bad_request", &problem.to_string()),
        }
    }

    fn forget(&mut self, client: &str) -> Response {
        let status = if self.clients.remove(client).is_some() { 204 } else { 404 };
        Response { status, ..Response::default() }
    }
}

impl Machine for Ims {
    fn handle(&mut self, now: Timestamp, request: &Request) -> Step {
        Step::Answer(self.answer(now, request))
    }
}

/// The state of a token by its own claims: `valid`, or the problem.
pub(crate) fn token_state(now: Timestamp, token: &str) -> &'static str {
    token::check(now, token).map_or_else(|problem| problem, |_| "valid")
}

fn granted(body: &serde_json::Value) -> Response {
    Response::json(200, body).with_header("cache-control", "no-store")
}

fn error(status: u16, code: &str, description: &str) -> Response {
    Response::json(status, &json!({ "error": code, "error_description": description }))
}
