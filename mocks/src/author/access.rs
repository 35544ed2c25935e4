//! Access control: Basic authentication, form login, CSRF token, referrer filter and rights (surfaces.md §5.1, §5.2).

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use bpconform_fixtures::Surfaces;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::seed::{Account, BasicEncoding, Rights};
use super::{Author, html, plain};
use crate::machine::{Form, Request, Response};

/// The user id of a request without a login.
pub(crate) const ANONYMOUS: &str = "anonymous";

/// Endpoints that need no login.
const OPEN: [&str; 4] = ["author.login-page", "author.current-user", "author.health", "author.health-rendered"];

/// Paths that a reader may not read.
const CLOSED_TO_READERS: [&str; 3] = ["/system/console", "/crx/packmgr", "/home"];

/// The lifetime of a login (the default of Granite's token authentication).
const LOGIN: SignedDuration = SignedDuration::from_hours(12);

/// The lifetime of a CSRF token.
const CSRF: SignedDuration = SignedDuration::from_mins(10);

/// The accounts, and the key that signs tokens. Sessions are not stored, so that memory does not grow with logins.
#[derive(Debug)]
pub(crate) struct Access {
    accounts: BTreeMap<String, Account>,
    key: RandomState,
}

impl Access {
    pub(super) fn new(accounts: &[Account]) -> Self {
        let accounts = accounts.iter().map(|account| (account.id.clone(), account.clone())).collect();
        Self { accounts, key: RandomState::new() }
    }

    /// Adds an account.
    pub(super) fn add(&mut self, account: Account) {
        self.accounts.insert(account.id.clone(), account);
    }

    /// Removes an account.
    pub(super) fn remove(&mut self, id: &str) {
        self.accounts.remove(id);
    }

    /// Whether the user is an administrator.
    pub(super) fn is_administrator(&self, user: &str) -> bool {
        self.accounts.get(user).is_some_and(|account| account.rights == Rights::Administrator)
    }

    fn reads_as(&self, user: &str, encoding: BasicEncoding) -> bool {
        self.accounts.get(user).is_some_and(|account| account.basic_encoding == encoding)
    }

    fn accepts(&self, user: &str, password: &str) -> bool {
        self.accounts.get(user).is_some_and(|account| account.password == password)
    }

    /// The user of an access token.
    fn bearer(&self, authorization: &str) -> Option<&str> {
        let (scheme, token) = authorization.split_once(' ')?;
        let is_right = |account: &&Account| account.token.as_deref() == Some(token.trim());
        let accounts = self.accounts.values().filter(|_| scheme.eq_ignore_ascii_case("bearer"));
        accounts.into_iter().find(is_right).map(|account| account.id.as_str())
    }

    fn token(&self, purpose: &str, user: &str, until: Timestamp) -> String {
        let until = until.as_millisecond();
        let seal = self.key.hash_one((purpose, user, until));
        BASE64_URL_SAFE_NO_PAD.encode(format!("{until}.{seal:016x}.{user}"))
    }

    /// The user of a valid token for that purpose.
    fn user_of_token(&self, purpose: &str, token: &str, now: Timestamp) -> Option<String> {
        let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let (until, rest) = text.split_once('.')?;
        let (_, user) = rest.split_once('.')?;
        let until = Timestamp::from_millisecond(until.parse().ok()?).ok()?;
        (until > now && self.token(purpose, user, until) == token && self.accounts.contains_key(user))
            .then(|| user.to_owned())
    }

    /// Rejects a request that the user has no right to.
    pub(super) fn guard(
        &self,
        now: Timestamp,
        surfaces: &Surfaces,
        user: &str,
        request: &Request,
        form: &Form,
    ) -> Result<(), Response> {
        let writes = request.method != "GET";
        if writes && is_browser(request) {
            refuse_foreign_referrer(request)?;
            self.refuse_without_csrf_token(now, surfaces, user, request, form)?;
        }
        let closed = writes || CLOSED_TO_READERS.iter().any(|closed| request.path.starts_with(closed));
        let root = request.path == "/" || request.path.starts_with("/.");
        if (closed || root) && user != ANONYMOUS && !self.is_administrator(user) {
            return Err(plain(
                403,
                &format!("Forbidden: {user} has no right to {} {}\n", request.method, request.path),
            ));
        }
        Ok(())
    }

    fn refuse_without_csrf_token(
        &self,
        now: Timestamp,
        surfaces: &Surfaces,
        user: &str,
        request: &Request,
        form: &Form,
    ) -> Result<(), Response> {
        let surface = surfaces.get("author.csrf-token");
        let header = surface.field("header").to_ascii_lowercase();
        let token = request.header(&header).or_else(|| form.get(surface.field("parameter")));
        match token.and_then(|token| self.user_of_token("csrf", token, now)) {
            Some(owner) if owner == user => Ok(()),
            _ => Err(plain(403, "Forbidden: no valid CSRF token\n")),
        }
    }
}

/// The filters apply to browsers only, which have these words in the user agent.
fn is_browser(request: &Request) -> bool {
    let agent = request.header("user-agent").unwrap_or_default();
    agent.contains("Mozilla") || agent.contains("Opera")
}

fn refuse_foreign_referrer(request: &Request) -> Result<(), Response> {
    // A relative address is of this host.
    let referrer = request.header("referer");
    if relative(referrer).is_some() {
        return Ok(());
    }
    let from = referrer.and_then(|referrer| Url::parse(referrer).ok());
    let here = request.header("host").and_then(|host| Url::parse(&format!("http://{host}")).ok());
    match (from.as_ref().and_then(Url::host_str), here.as_ref().and_then(Url::host_str)) {
        (Some(from), Some(here)) if from == here => Ok(()),
        _ => Err(plain(403, "Forbidden: the referrer is missing or of another host\n")),
    }
}

impl Author {
    /// The user of a request; the error response asks for a login.
    pub(super) fn authenticate(&self, now: Timestamp, request: &Request, surface: &str) -> Result<String, Response> {
        if let Some(authorization) = request.header("authorization") {
            let logins = [BasicEncoding::Utf8, BasicEncoding::Latin1].into_iter().filter_map(|encoding| {
                let (user, password) = basic(authorization, encoding)?;
                (self.access.reads_as(&user, encoding) && self.knows(&user, &password)).then_some(user)
            });
            let bearer = self.access.bearer(authorization).filter(|user| self.is_enabled(user));
            return logins.into_iter().next().or_else(|| bearer.map(str::to_owned)).ok_or_else(unauthorized);
        }
        let user = cookie(request, self.surfaces.get("author.login").phrase("cookie"))
            .and_then(|token| self.access.user_of_token("login", token, now))
            .filter(|user| self.is_enabled(user));
        match user {
            Some(user) => Ok(user),
            None if OPEN.contains(&surface) => Ok(ANONYMOUS.to_owned()),
            None => Err(self.ask_for_login(request)),
        }
    }

    /// Whether the account exists with that password and its user was not deleted.
    fn knows(&self, user: &str, password: &str) -> bool {
        self.access.accepts(user, password) && self.is_enabled(user)
    }

    fn ask_for_login(&self, request: &Request) -> Response {
        let browser = request.header("accept").is_some_and(|accept| accept.contains("text/html"));
        let name = request.path.rsplit('/').next().unwrap_or_default();
        let page = name.rsplit_once('.').is_none_or(|(_, extension)| extension == "html");
        if !(browser && page && request.method == "GET") {
            return unauthorized();
        }
        let back = url::form_urlencoded::Serializer::new(String::new()).append_pair("resource", &request.path).finish();
        let location = format!("{}?{back}", self.surfaces.get("author.login-page").path);
        html(302, "").with_header("location", location)
    }

    /// Form login. A browser whose password is wrong gets the login page again, with the reason.
    pub(super) fn log_in(&self, now: Timestamp, request: &Request, form: &Form) -> Response {
        let surface = self.surfaces.get("author.login");
        let field = |word| form.get(surface.field(word));
        let user = field("user").unwrap_or_default();
        if form.fields.contains_key("j_newpassword") {
            return plain(400, "The mock changes no password at a login; nothing was changed\n");
        }
        if !self.knows(user, field("password").unwrap_or_default()) {
            let is_page = request.header("accept").is_some_and(|accept| accept.contains("text/html"));
            if is_page && field("validate") != Some("true") {
                let mut query = url::form_urlencoded::Serializer::new(String::new());
                query.append_pair("j_reason", "invalid_login").append_pair("j_reason_code", "invalid_login");
                if let Some(resource) = relative(field("resource")) {
                    query.append_pair(surface.field("resource"), resource);
                }
                let page = &self.surfaces.get("author.login-page").path;
                return plain(302, "").with_header("location", format!("{page}?{}", query.finish()));
            }
            return plain(403, "")
                .with_header("x-reason", "UserId/Password mismatch")
                .with_header("x-reason-code", "invalid_login");
        }
        let token = self.access.token("login", user, now + LOGIN);
        let cookie = format!("{}={token}; Path=/; HttpOnly", surface.phrase("cookie"));
        let response = match field("validate") {
            Some("true") => plain(200, ""),
            _ => plain(302, "").with_header("location", relative(field("resource")).unwrap_or("/")),
        };
        response.with_header("set-cookie", cookie)
    }

    /// A CSRF token for the next write of a browser.
    pub(super) fn csrf_token(&self, now: Timestamp) -> Response {
        Response::json(200, &serde_json::json!({ "token": self.access.token("csrf", &self.user, now + CSRF) }))
    }
}

/// A path of this server, the only allowed target of a redirect.
pub(super) fn relative(address: Option<&str>) -> Option<&str> {
    address.filter(|address| address.starts_with('/') && !address.starts_with("//") && !address.contains('\\'))
}

fn unauthorized() -> Response {
    plain(401, "Authorization required\n").with_header("www-authenticate", "Basic realm=\"Sling (Development)\"")
}

fn basic(authorization: &str, encoding: BasicEncoding) -> Option<(String, String)> {
    let (scheme, value) = authorization.split_once(' ')?;
    let decoded = BASE64_STANDARD.decode(value.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let text = match encoding {
        BasicEncoding::Utf8 => String::from_utf8(decoded).ok()?,
        BasicEncoding::Latin1 => decoded.into_iter().map(char::from).collect(),
    };
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

fn cookie<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let all = request.headers.iter().filter(|(header, _)| header == "cookie");
    all.flat_map(|(_, value)| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}
