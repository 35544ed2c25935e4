//! The credentials of a run. Every value is kept as a secret; none comes from a flag.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};

use crate::problem::{Checked, Problem};
use crate::redact;

/// A credential that a run may need: its name in the environment, and what it is.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// The name in the environment and in a credentials file.
    pub name: &'static str,
    /// What it is, for a person.
    pub what: &'static str,
    /// Whether it must never be shown; the others are masked too, but are found in ordinary answers.
    pub secret: bool,
}

const fn named(name: &'static str, what: &'static str, secret: bool) -> Named {
    Named { name, what, secret }
}

/// All credentials that exist.
pub const ALL: [Named; 17] = [
    named("BPCONFORM_AUTHOR_USER", "user of the Author", false),
    named("BPCONFORM_AUTHOR_PASSWORD", "password of the Author's user", true),
    named("BPCONFORM_AUTHOR_TOKEN", "access token of the Author, in place of user and password", true),
    named("BPCONFORM_AUTHOR_B_USER", "user of the second Author of `surface drift`", false),
    named("BPCONFORM_AUTHOR_B_PASSWORD", "password of the second Author's user", true),
    named("BPCONFORM_AUTHOR_B_TOKEN", "access token of the second Author, in place of user and password", true),
    named("BPCONFORM_IMS_CLIENT_ID", "client id of the OAuth Server-to-Server credential", false),
    named("BPCONFORM_IMS_CLIENT_SECRET", "client secret of the OAuth Server-to-Server credential", true),
    named("BPCONFORM_IMS_SCOPE", "scopes of the OAuth Server-to-Server credential, comma-separated", false),
    named("BPCONFORM_IMS_ORG_ID", "IMS organization id, for example 1234@AdobeOrg", false),
    named("BPCONFORM_CONSOLE_TOKEN", "bearer token for the Developer Console", true),
    named("BPCONFORM_JWT_CLIENT_ID", "client id (API key) of the service account (JWT) credential", false),
    named("BPCONFORM_JWT_CLIENT_SECRET", "client secret of the service account (JWT) credential", true),
    named("BPCONFORM_JWT_TECHNICAL_ACCOUNT", "technical account id of the service account (JWT) credential", false),
    named("BPCONFORM_JWT_PRIVATE_KEY", "private key of the service account (JWT) credential, PEM", true),
    named("BPCONFORM_PROXY_USER", "user of the proxy", false),
    named("BPCONFORM_PROXY_PASSWORD", "password of the proxy's user", true),
];

/// How a run logs in at the Author.
#[derive(Clone, Copy, Debug)]
pub enum AuthorLogin<'a> {
    /// With an access token (AEM as a Cloud Service): a local development token, or one of service credentials.
    Token(&'a str),
    /// With user and password.
    Password(&'a str, &'a str),
    /// With the cookies of a browser in which a person has logged in: the value of the header.
    Cookies(&'a str),
}

/// The credentials of one run.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    values: BTreeMap<&'static str, SecretString>,
    /// The cookies of a person's login.
    cookies: Option<Cookies>,
}

/// Cookies: as a header, and the values that are long enough to be secret.
#[derive(Clone, Debug)]
struct Cookies {
    header: SecretString,
    values: Vec<SecretString>,
}

/// The fewest letters of a secret in a cookie; shorter ones say how pages look, and are common words.
const SHORTEST: usize = 12;

impl Credentials {
    /// Keeps the values whose names are known, and gives back the names that are not.
    pub fn new(values: impl IntoIterator<Item = (String, String)>) -> (Self, Vec<String>) {
        let mut credentials = Self::default();
        let mut unknown = Vec::new();
        for (name, value) in values {
            match ALL.iter().find(|known| known.name == name) {
                Some(known) => drop(credentials.values.insert(known.name, value.into())),
                None => unknown.push(name),
            }
        }
        (credentials, unknown)
    }

    /// The same with the cookies of a browser in which a person has logged in, by name and value.
    #[must_use]
    pub fn with_cookies(mut self, cookies: &[(String, SecretString)]) -> Self {
        let pairs: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={}", value.expose_secret())).collect();
        let values = cookies.iter().map(|(_, value)| value);
        let values = values.filter(|value| value.expose_secret().len() >= SHORTEST).cloned().collect();
        self.cookies = Some(Cookies { header: pairs.join("; ").into(), values });
        self
    }

    /// The value of that name, if it was given.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(ExposeSecret::expose_secret)
    }

    /// The name of the credential with that value, if it is worth a name: a short value stands in many places by chance.
    pub fn name_of(&self, value: &str) -> Option<&'static str> {
        let is_it = |(_, own): &(&&'static str, &SecretString)| own.expose_secret() == value;
        let worth = |name: &str| ALL.iter().any(|known| known.name == name && (known.secret || value.len() >= 8));
        self.values.iter().find(|pair| is_it(pair) && worth(pair.0)).map(|(name, _)| *name)
    }

    /// The value of that name; without it the step is skipped and the reason says what to set.
    pub fn need(&self, name: &str) -> Checked<&str> {
        self.get(name).ok_or_else(|| {
            let what = ALL.iter().find(|known| known.name == name).map_or("", |known| known.what);
            Problem::skipped(format!("no {what} was given: set {name}"))
        })
    }

    /// How to log in at the Author. A person's login was asked for; then a token takes precedence, since user and password
    /// may be those of other Authors.
    pub fn author_login(&self) -> Checked<AuthorLogin<'_>> {
        if let Some(cookies) = &self.cookies {
            return Ok(AuthorLogin::Cookies(cookies.header.expose_secret()));
        }
        if let Some(token) = self.get("BPCONFORM_AUTHOR_TOKEN") {
            return Ok(AuthorLogin::Token(token));
        }
        Ok(AuthorLogin::Password(self.need("BPCONFORM_AUTHOR_USER")?, self.need("BPCONFORM_AUTHOR_PASSWORD")?))
    }

    /// What to check when the Author refuses the login.
    pub fn author_advice(&self) -> &'static str {
        match self.author_login() {
            Ok(AuthorLogin::Token(_)) => {
                "check BPCONFORM_AUTHOR_TOKEN: is it of this environment, and has it expired? A local development token is \
                valid for 24 hours"
            }
            Ok(AuthorLogin::Cookies(_)) => "has the session in the browser ended? Log in again",
            _ => "check BPCONFORM_AUTHOR_USER and BPCONFORM_AUTHOR_PASSWORD",
        }
    }

    /// The values that no output may show.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let cookies = self.cookies.iter().flat_map(|cookies| &cookies.values).map(ExposeSecret::expose_secret);
        self.named(true).map(|(_, value)| value).chain(cookies)
    }

    /// The values that are not secret.
    pub fn open(&self) -> impl Iterator<Item = &str> {
        self.named(false).map(|(_, value)| value)
    }

    /// The names of the secrets whose values stand in many texts for other reasons: they are masked only where their
    /// position says that they are the secret.
    pub fn weak(&self) -> impl Iterator<Item = &'static str> {
        self.named(true).filter(|(_, value)| redact::is_public(value)).map(|(name, _)| name)
    }

    fn named(&self, secret: bool) -> impl Iterator<Item = (&'static str, &str)> {
        let wanted = move |name: &str| ALL.iter().any(|known| known.name == name && known.secret == secret);
        let values = self.values.iter().filter(move |(name, _)| wanted(name));
        values.map(|(name, value)| (*name, value.expose_secret()))
    }
}
