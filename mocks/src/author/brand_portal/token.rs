//! Access token providers and their requests to IMS (surfaces.md §1, §2.3, §2.5).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::secret::unprotect;
use crate::author::Author;
use crate::author::repository::Node;
use crate::machine::{Call, CallResult};

/// The logger of tokens in the error log.
const LOGGER: &str = "com.adobe.granite.auth.oauth.AccessTokenProvider";

/// The lifetime of a signed assertion.
const ASSERTION: SignedDuration = SignedDuration::from_hours(1);

/// A stored access token provider, that is, an IMS configuration.
#[derive(Clone, Debug)]
pub(super) struct Provider {
    /// The PID by which a cloud service or an agent refers to it.
    pub(super) pid: String,
    /// Its title.
    pub(super) title: String,
    /// Its kind of credential.
    grant: Grant,
    url: String,
    client_id: String,
    client_secret: String,
}

#[derive(Clone, Debug)]
enum Grant {
    ClientCredentials { scope: String, org_id: String },
    Assertion { alias: String, claims: Vec<String> },
}

/// An access token with its expiry.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// The value for the Authorization header.
    pub(super) value: String,
    /// The expiry, by the mock's clock.
    pub(super) until: Timestamp,
}

impl Provider {
    /// Whether it uses the deprecated JWT credentials.
    pub(super) fn is_jwt(&self) -> bool {
        matches!(self.grant, Grant::Assertion { .. })
    }
}

impl Author {
    /// All IMS configurations.
    pub(super) fn providers(&self) -> Vec<Provider> {
        let surface = self.surfaces.get("author.ims-storage");
        let stored = self.configurations(surface.phrase("provider"));
        stored.into_iter().map(|(pid, _, node)| self.read_provider(pid, node)).collect()
    }

    /// The IMS configuration of that PID.
    pub(super) fn provider(&self, pid: &str) -> Option<Provider> {
        let pid = pid.replacen("provider-", "provider.", 1);
        self.providers().into_iter().find(|provider| provider.pid == pid)
    }

    fn read_provider(&self, pid: String, node: &Node) -> Provider {
        let surface = self.surfaces.get("author.ims-storage");
        let text = |word: &str| node.text(surface.field(word)).unwrap_or_default().to_owned();
        let grants = node.texts(surface.field("grants"));
        let client_credentials = self.surfaces.get("ims.token").phrase("grant");
        let grant = if grants.iter().any(|grant| grant == client_credentials) {
            Grant::ClientCredentials { scope: text("scope"), org_id: text("org-id") }
        } else {
            Grant::Assertion { alias: text("key-pair-alias"), claims: node.texts(surface.field("claims")).to_vec() }
        };
        let customizer_type = node.text("token.request.customizer.type");
        let stored = self.configurations(surface.phrase("customizer"));
        let secret = stored
            .iter()
            .find(|(_, _, customizer)| customizer.text(surface.field("customizer-type")) == customizer_type)
            .and_then(|(_, _, customizer)| customizer.text(surface.field("secret")))
            .unwrap_or_default();
        Provider {
            pid,
            title: text("title"),
            grant,
            url: text("token-request"),
            client_id: text("client-id"),
            // An undecryptable secret is sent as it is: the real failure after crypto keys were lost (§7 row 5).
            client_secret: unprotect(secret).unwrap_or_else(|| secret.to_owned()),
        }
    }

    /// The request for a token; the error says why it cannot be made.
    pub(super) fn token_request(&self, now: Timestamp, provider: &Provider) -> Result<Call, String> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        match &provider.grant {
            Grant::ClientCredentials { scope, org_id } => {
                let surface = self.surfaces.get("ims.token");
                form.append_pair(surface.field("grant"), surface.phrase("grant"))
                    .append_pair(surface.field("client-id"), &provider.client_id)
                    .append_pair(surface.field("client-secret"), &provider.client_secret)
                    .append_pair(surface.field("scope"), scope);
                if !org_id.is_empty() {
                    form.append_pair(surface.field("org-id"), org_id);
                }
            }
            Grant::Assertion { alias, claims } => {
                let surface = self.surfaces.get("ims.exchange-jwt");
                let claims = payload(claims, now + ASSERTION)?;
                form.append_pair(surface.field("client-id"), &provider.client_id)
                    .append_pair(surface.field("client-secret"), &provider.client_secret)
                    .append_pair(surface.field("jwt"), &self.sign(alias, &claims)?);
            }
        }
        Ok(Call {
            method: "POST".into(),
            url: provider.url.clone(),
            headers: vec![("content-type".into(), "application/x-www-form-urlencoded".into())],
            body: form.finish().into_bytes(),
        })
    }

    /// The token in the answer of IMS. A failure is returned, and written to the error log in AEM's words.
    pub(super) fn token_answer(&mut self, now: Timestamp, jwt: bool, outcome: CallResult) -> Result<Token, String> {
        let problem = match outcome {
            Ok(response) => match read_token(now, jwt, &response.body).filter(|_| response.status == 200) {
                Some(token) => return Ok(token),
                None => format!("status: {} response: {}", response.status, response.text()),
            },
            Err(reason) => return Err(self.token_failure(now, &reason)),
        };
        let message = format!("failed to get access token from authorization server {problem}");
        Err(self.token_failure(now, &message))
    }

    /// Writes a token failure to the error log and returns the message.
    pub(super) fn token_failure(&mut self, now: Timestamp, message: &str) -> String {
        self.product.log(now, "ERROR", LOGGER, message);
        format!("{LOGGER} {message}")
    }
}

/// IMS answers some requests with 200, an error and no token, so only the token counts. `expires_in` is in seconds, but in
/// milliseconds after the exchange of a JWT (surfaces.md §1.4).
fn read_token(now: Timestamp, jwt: bool, body: &[u8]) -> Option<Token> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let value = answer.get("access_token")?.as_str()?.to_owned();
    let lifetime = answer.get("expires_in").and_then(Value::as_i64).unwrap_or_default().clamp(0, i64::from(u32::MAX));
    let lifetime = if jwt { SignedDuration::from_millis(lifetime) } else { SignedDuration::from_secs(lifetime) };
    Some(Token { value, until: now.checked_add(lifetime).unwrap_or(now) })
}

/// The claims of an assertion: each is stored as one member of a JSON object, and AEM sets a new expiry.
fn payload(claims: &[String], until: Timestamp) -> Result<Value, String> {
    let mut payload = Map::new();
    for claim in claims {
        let member = claim.trim().trim_end_matches(',');
        let member: Map<String, Value> = serde_json::from_str(&format!("{{{member}}}"))
            .map_err(|error| format!("the claim {member} of the JWT payload cannot be read: {error}"))?;
        payload.extend(member);
    }
    payload.insert("exp".into(), until.as_second().into());
    Ok(payload.into())
}
