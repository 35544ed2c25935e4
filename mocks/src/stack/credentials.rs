//! The credentials that the systems of a stack accept: invented, the same in every stack, and not secret.

use bpconform_fixtures::Surfaces;
use bpconform_fixtures::certificates::{JWT_CLIENT_CERTIFICATE, JWT_CLIENT_KEY};
use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};

use crate::author::seed::{AuthorSeed, Rights};
use crate::console::ConsoleOptions;
use crate::deviations::Values;
use crate::ims::{Client, Kind};

/// The organization of every mocked stack.
const ORG_ID: &str = "0123456789ABCDEF01234567@AdobeOrg";

/// The scopes of an OAuth Server-to-Server credential; those of Brand Portal are not known (surfaces.md §1.6).
const SCOPES: [&str; 4] = ["openid", "AdobeID", "read_organizations", "additional_info.projectedProductContext"];

const OAUTH_ID: &str = "mock0oauth0client0of0brand0portal";
const OAUTH_SECRET: &str = "p8e-mock-oauth-secret-without-worth";
const JWT_ID: &str = "mock0jwt0client0of0brand0portal00";
const JWT_SECRET: &str = "mock-jwt-secret-without-worth";
const JWT_TECHNICAL_ACCOUNT: &str = "0123456789ABCDEF89ABCDEF@techacct.adobe.com";
const OAUTH_TECHNICAL_ACCOUNT: &str = "0123456789ABCDEF76543210@techacct.adobe.com";
const CONSOLE_TOKEN: &str = "mock-console-token-without-worth";

/// The values for the placeholders of a seed.
pub(super) fn seed_values(tenant_id: &str, addresses: &[(&str, &str)]) -> Values {
    let scopes = SCOPES.join(",");
    // As Sling's log writes it: what a seed's log says must be young enough to count.
    let an_hour_ago = (Timestamp::now() - SignedDuration::from_hours(1)).strftime("%d.%m.%Y %H:%M:%S.000").to_string();
    let fixed = [
        ("an-hour-ago", an_hour_ago.as_str()),
        ("tenant", tenant_id),
        ("org-id", ORG_ID),
        ("scope", &scopes),
        ("client-id", OAUTH_ID),
        ("client-secret", OAUTH_SECRET),
        ("jwt-client-id", JWT_ID),
        ("jwt-client-secret", JWT_SECRET),
        ("jwt-technical-account", JWT_TECHNICAL_ACCOUNT),
        ("jwt-private-key", JWT_CLIENT_KEY),
        ("jwt-certificate", JWT_CLIENT_CERTIFICATE),
    ];
    fixed
        .into_iter()
        .chain(addresses.iter().copied())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The credentials that the systems accept, by environment variable of a run.
pub(super) fn credentials(seed: &AuthorSeed) -> IndexMap<&'static str, String> {
    let administrator = seed.accounts.iter().find(|account| account.rights == Rights::Administrator);
    let (user, password) = administrator.map(|account| (account.id.as_str(), account.password.as_str())).unzip();
    let token = administrator.and_then(|account| Some(("BPCONFORM_AUTHOR_TOKEN", account.token.clone()?)));
    let scopes = SCOPES.join(",");
    let all = [
        ("BPCONFORM_AUTHOR_USER", user.unwrap_or_default()),
        ("BPCONFORM_AUTHOR_PASSWORD", password.unwrap_or_default()),
        ("BPCONFORM_IMS_CLIENT_ID", OAUTH_ID),
        ("BPCONFORM_IMS_CLIENT_SECRET", OAUTH_SECRET),
        ("BPCONFORM_IMS_SCOPE", &scopes),
        ("BPCONFORM_IMS_ORG_ID", ORG_ID),
        ("BPCONFORM_CONSOLE_TOKEN", CONSOLE_TOKEN),
        ("BPCONFORM_JWT_CLIENT_ID", JWT_ID),
        ("BPCONFORM_JWT_CLIENT_SECRET", JWT_SECRET),
        ("BPCONFORM_JWT_TECHNICAL_ACCOUNT", JWT_TECHNICAL_ACCOUNT),
        ("BPCONFORM_JWT_PRIVATE_KEY", JWT_CLIENT_KEY),
    ];
    all.into_iter().map(|(name, value)| (name, value.to_owned())).chain(token).collect()
}

/// The registered credentials.
pub(super) fn clients() -> [Client; 2] {
    let metascope = Surfaces::built_in().get("ims.exchange-jwt").phrase("metascope").to_owned();
    let oauth = Client {
        id: OAUTH_ID.to_owned(),
        secrets: vec![OAUTH_SECRET.to_owned()],
        org_id: ORG_ID.to_owned(),
        technical_account: OAUTH_TECHNICAL_ACCOUNT.to_owned(),
        kind: Kind::OAuth { scopes: scopes() },
    };
    let jwt = Client {
        id: JWT_ID.to_owned(),
        secrets: vec![JWT_SECRET.to_owned()],
        org_id: ORG_ID.to_owned(),
        technical_account: JWT_TECHNICAL_ACCOUNT.to_owned(),
        kind: Kind::Jwt { certificates: vec![JWT_CLIENT_CERTIFICATE.to_owned()], metascopes: vec![metascope] },
    };
    [oauth, jwt]
}

/// The options of the Developer Console.
pub(super) fn console_options(ims: &str) -> ConsoleOptions {
    ConsoleOptions { org_id: ORG_ID.into(), token: CONSOLE_TOKEN.into(), scopes: scopes(), ims: ims.to_owned() }
}

fn scopes() -> Vec<String> {
    SCOPES.map(str::to_owned).to_vec()
}
