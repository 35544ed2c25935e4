//! Sentences of `09-legacy-jwt.feature`: the service account (JWT) set-up as it is still in the field.

use bpconform_fixtures::{Cause, System, certificates as worthless};
use bpconform_step_macros::{given, then, when};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::upgrade::healthy;
use super::{STATUS, number};
use crate::author::certificates::{self, Certificate};
use crate::author::ims_configurations::{self, ImsConfiguration, Kind};
use crate::author::setup;
use crate::call::Call;
use crate::clock;
use crate::ims::{self, Refusal};
use crate::jwt::{self, Exchange};
use crate::problem::{self, Because as _, Checked, Problem, ensure};
use crate::reply::Reply;
use crate::session::Session;
use crate::undo::Undo;
use crate::world::World;

/// How to leave JWT, in the documentation's order (surfaces.md §2.1).
const MIGRATION: [&str; 4] = [
    "add an OAuth Server-to-Server credential in the Developer Console",
    "select the JWT configuration on the Author > Properties and set Authentication Type to OAuth",
    "fill in the new credential, Save & Close",
    "Check Health and test all four agents",
];

/// The most that a token may be good for, in milliseconds: 24 hours (surfaces.md §1.3, §1.4).
const DAY_MS: i64 = 24 * 3600 * 1000;

/// The certificate that was created: its alias.
#[derive(Debug)]
struct Alias(String);

/// The certificate of the integration that the Author has.
#[derive(Debug)]
struct Integration(Certificate);

/// What IMS answered to an exchange.
#[derive(Debug)]
struct Answered(Reply);

/// The IMS account that the scenario created: its PID and its title.
#[derive(Debug)]
struct Account(String, String);

#[when("a certificate for Brand Portal is created under an alias of this run")]
async fn create_certificate(world: &mut World) -> Checked {
    let session = world.session()?;
    let alias = session.name("certificate");
    let owner = certificates::owner(session).await?;
    let owner = owner.ok_or_else(|| Problem::failed("the Author has no service user that could own the key store"))?;
    let call = Call::to("author.certificate-create")
        .field("alias", &alias)
        .field("cloud-solution", session.surface("author.ims-create").phrase("cloud-solution"))
        .undone_by([Undo::Certificate { owner, alias: alias.clone() }]);
    session.send(call).await?.expect_status(&[200, 201])?;
    world.keep(Alias(alias));
    Ok(())
}

#[then("the public key that is downloaded is an X.509 certificate that is valid now")]
async fn download(world: &mut World) -> Checked {
    let (session, Alias(alias)) = (world.session()?, world.kept()?);
    let file = async || session.send(Call::to("author.certificate-download").with("alias", alias)).await;
    let reply = session.settled(file, |reply| reply.status != 404).await?.expect_status(&[200])?;
    let (certificate, now) = (certificates::read(&reply)?, clock::now(session).await?);
    // The Author's clock and the certificate's may differ by what a certificate cannot express.
    let begun = certificate.not_before <= now + SignedDuration::from_secs(60);
    ensure(begun && certificate.not_after > now, || {
        format!(
            "the certificate is valid from {} to {}, not now ({now})",
            certificate.not_before, certificate.not_after
        )
    })?;
    world.keep(certificate);
    Ok(())
}

#[then("the key store has that certificate under the alias")]
async fn in_key_store(world: &mut World) -> Checked {
    let (session, Alias(alias)) = (world.session()?, world.kept()?);
    let downloaded = world.kept::<certificates::Downloaded>()?;
    let all = async || certificates::key_store(session).await;
    let all = session.settled(all, |all| all.iter().any(|certificate| certificate.has_alias(alias))).await?;
    let found = all.iter().find(|certificate| certificate.has_alias(alias));
    let found = found.ok_or_else(|| Problem::failed(format!("the key store has no alias {alias}")))?;
    ensure(found.not_after == downloaded.not_after, || {
        format!(
            "the key store's certificate ends on {}, the downloaded one on {}",
            found.not_after, downloaded.not_after
        )
    })?;
    let same = found.serial.as_ref().is_none_or(|serial| *serial == downloaded.serial);
    ensure(same, || {
        let serial = found.serial.as_deref().unwrap_or_default();
        format!("the key store has the serial number {serial}, the downloaded certificate {}", downloaded.serial)
    })
}

#[when("a JSON Web Token for Brand Portal is exchanged at IMS")]
async fn exchange(world: &mut World) -> Checked {
    let session = world.session()?;
    let reply = Exchange::documented(session).await?.send(session).await?;
    world.keep(Answered(reply));
    Ok(())
}

#[then("IMS answers with a bearer token that is good for at most 24 hours")]
fn answers_with_token(world: &mut World) -> Checked {
    let Answered(reply) = world.kept()?;
    let token = ims::given(reply, "the exchange").map_err(|problem| match problem.kind {
        problem::Kind::Failed => problem.because(Cause::JwtRefused),
        _ => problem,
    })?;
    let kind = token.token_type.unwrap_or_default();
    ensure(kind.eq_ignore_ascii_case("bearer"), || format!("the token's type is `{kind}`, not bearer"))?;
    let expires = token.expires_in;
    ensure(expires.is_some_and(|expires| (1..=DAY_MS).contains(&expires)), || {
        format!("expires_in is {expires:?} ms, not between 1 and {DAY_MS}")
    })
}

#[when(expr = "a JSON Web Token is exchanged with {}")]
async fn wrong_exchange(world: &mut World, mistake: String) -> Checked {
    let session = world.session()?;
    let mut exchange = Exchange::documented(session).await?;
    if mistake == "a token id that was used before" {
        exchange.claims.insert("jti".into(), json!(clock::now(session).await?.as_microsecond()));
        exchange.send(session).await?.expect_status(&[200])?.json()?;
    } else {
        spoil(session, &mut exchange, &mistake).await?;
    }
    world.keep(Answered(exchange.send(session).await?));
    Ok(())
}

/// Makes the one mistake that a row of the table of errors names.
async fn spoil(session: &Session, exchange: &mut Exchange, mistake: &str) -> Checked {
    let claims = &mut exchange.claims;
    match mistake {
        "a client that IMS does not know" => exchange.client_id = Some(session.name("unknown-client")),
        "no client id" => exchange.client_id = None,
        "the audience of another client" => {
            claims.insert("aud".into(), jwt::audience(session, &session.name("other-client"))?.into());
        }
        "a client that may not exchange tokens" => {
            let oauth = session.credentials.need("BPCONFORM_IMS_CLIENT_ID")?;
            claims.insert("aud".into(), jwt::audience(session, oauth)?.into());
            exchange.client_id = Some(oauth.to_owned());
            exchange.client_secret = session.credentials.need("BPCONFORM_IMS_CLIENT_SECRET")?.to_owned();
        }
        "a client secret that is not the client's" => exchange.client_secret = session.name("wrong-secret"),
        "an issuer that is no organization" => drop(claims.insert("iss".into(), json!("nobody"))),
        "no token at all" => exchange.token = Some(String::new()),
        "a token that cannot be decoded" => exchange.token = Some("not.a.token".into()),
        "a token that has expired" => *claims = jwt::expired(claims.clone(), clock::now(session).await?),
        "an expiry that is not a whole number" => drop(claims.insert("exp".into(), json!("tomorrow"))),
        "a token id that is not a whole number" => drop(claims.insert("jti".into(), json!("first"))),
        "a signature by another key" => worthless::IMS_SIGNING_KEY.clone_into(&mut exchange.key),
        "a metascope that the client does not have" => {
            let own = session.surface("ims.exchange-jwt").phrase("metascope");
            claims.remove(&jwt::metascope(session, own)?);
            claims.insert(jwt::metascope(session, "ent_no_such_sdk")?, true.into());
        }
        _ => return Err(Problem::error(format!("the harness knows no mistake \"{mistake}\""))),
    }
    Ok(())
}

#[then(expr = "IMS refuses it with status {int} and the error {string}")]
#[expect(clippy::needless_pass_by_value, reason = "cucumber hands on what it parsed")]
fn refuses(world: &mut World, status: String, error: String) -> Checked {
    let status = number(&status, STATUS)?;
    let Answered(reply) = world.kept()?;
    if !(200..500).contains(&reply.status) {
        return reply.clone().expect_status(&[status]).map(drop);
    }
    let refusal = Refusal::read(reply)?;
    ensure(reply.status == status && refusal.error == error, || {
        format!("IMS answered {} {refusal}; the documented answer is {status} {error}", reply.status)
    })
}

#[given("the certificate of the JWT integration that the Author has")]
async fn integration(world: &mut World) -> Checked {
    let session = world.session()?;
    let jwt = on_jwt(&configurations(session).await?)?;
    let jwt = jwt.first().ok_or_else(|| Problem::failed("no IMS configuration for Brand Portal is on JWT"))?;
    let alias = jwt.key_pair_alias.clone().ok_or_else(|| Problem::error(format!("{} names no key pair", told(jwt))))?;
    let all = certificates::key_store(session).await?;
    let certificate = all.into_iter().find(|certificate| certificate.has_alias(&alias));
    let certificate = certificate.ok_or_else(|| {
        Problem::failed(format!("{} is signed with the key {alias}, which the key store does not have", told(jwt)))
    })?;
    world.keep(Integration(certificate));
    Ok(())
}

#[when("an IMS account of this run is created with authorization server, API key, client secret and JWT payload")]
async fn create_account(world: &mut World) -> Checked {
    let (session, Integration(certificate)) = (world.session()?, world.kept()?);
    let exchange = Exchange::documented(session).await?;
    let (title, surface) = (session.name("jwt-account"), session.surface("author.ims-create"));
    let call = Call::to("author.ims-create")
        .field("cloud-solution", surface.phrase("cloud-solution"))
        .field("authentication-type", surface.phrase("jwt"))
        .field("title", &title)
        .field("authorization-server", session.stack.base(System::Ims)?.as_str())
        .field("client-id", exchange.client_id.as_deref().unwrap_or_default())
        .field("client-secret", &exchange.client_secret)
        .field("jwt-claims", jwt::payload(&exchange.claims))
        .field("key-pair-alias", &certificate.alias);
    let pid = setup::send_ims_configuration(session, &title, call).await?;
    world.keep(Account(pid, title));
    Ok(())
}

#[then("the health check of that IMS account retrieves a token")]
async fn account_is_healthy(world: &mut World) -> Checked {
    let Account(pid, title) = world.kept()?;
    healthy(world.session()?, pid, title).await
}

#[then("every certificate that Brand Portal relies on is good for longer than the warning time")]
async fn certificates_are_good(world: &mut World) -> Checked {
    let session = world.session()?;
    judge_used(session, configurations(session).await?).await
}

/// Judges the certificates of these configurations. Where none uses one, it does not matter whether the user may read the key
/// store.
async fn judge_used(session: &Session, mut used: Vec<ImsConfiguration>) -> Checked {
    used.retain(|configuration| configuration.kind != Kind::OAuth);
    if used.is_empty() {
        return Ok(());
    }
    let (store, now) = (certificates::key_store(session).await?, clock::now(session).await?);
    judge_certificates(&used, &store, now, warning(session))
}

/// Fails if the certificate of one of these configurations is not in the key store, has expired or soon will; an error if
/// one names none. Without a configuration Brand Portal relies on no certificate.
fn judge_certificates(
    used: &[ImsConfiguration],
    store: &[Certificate],
    now: Timestamp,
    warning: SignedDuration,
) -> Checked {
    let aliases: Vec<_> = used.iter().filter_map(|it| it.key_pair_alias.as_deref()).collect();
    let absent = aliases.iter().filter(|alias| !store.iter().any(|it| it.has_alias(alias)));
    let absent: Vec<_> = absent.copied().collect();
    ensure(absent.is_empty(), || format!("the key store lacks certificates that are used: {}", absent.join(", ")))?;
    let reports: Vec<_> = (store.iter())
        .filter(|certificate| aliases.iter().any(|alias| certificate.has_alias(alias)))
        .filter_map(|certificate| certificate.report(now, warning))
        .collect();
    ensure(reports.is_empty(), || reports.join("; ")).because(Cause::Jwt)?;
    used.iter().try_for_each(ImsConfiguration::judge_kind)?;
    let nameless: Vec<_> = used.iter().filter(|it| it.key_pair_alias.is_none()).map(told).collect();
    if nameless.is_empty() {
        return Ok(());
    }
    let problem = Problem::error(format!(
        "which certificate is relied on cannot be told, because no key pair is named by {}",
        nameless.join(", ")
    ));
    Err(problem.because(Cause::Jwt))
}

fn warning(session: &Session) -> SignedDuration {
    SignedDuration::try_from(session.run.settings.certificate_warning).unwrap_or(SignedDuration::MAX)
}

#[then(regex = r"^a day (before|after) its end it is reported as (expiring soon|expired), with its date$")]
#[expect(clippy::needless_pass_by_value, reason = "cucumber hands on what it parsed")]
fn end_is_reported(world: &mut World, when: String, standing: String) -> Checked {
    let Integration(certificate) = world.kept()?;
    let day = SignedDuration::from_hours(24);
    let at: Timestamp = if when == "before" { certificate.not_after - day } else { certificate.not_after + day };
    let report = certificate.report(at, warning(world.session()?).max(day)).unwrap_or_default();
    let words = if standing == "expired" { "has expired on" } else { "expires on" };
    let date = certificate.not_after.strftime("%Y-%m-%d").to_string();
    let told = [words, &date, &certificate.alias].iter().all(|part| report.contains(part));
    if told { Ok(()) } else { Err(Problem::error(format!("on {at} the report is \"{report}\""))) }
}

/// The IMS configurations for Brand Portal. An Author without any proves nothing.
async fn configurations(session: &Session) -> Checked<Vec<ImsConfiguration>> {
    let all = ims_configurations::for_brand_portal(session).await?;
    if all.is_empty() {
        return Err(Problem::skipped("the Author has no IMS configuration for Brand Portal"));
    }
    Ok(all)
}

/// Those that are on JWT; an error if there is none, and one of which that cannot be told.
fn on_jwt(all: &[ImsConfiguration]) -> Checked<Vec<ImsConfiguration>> {
    let jwt: Vec<_> = all.iter().filter(|configuration| configuration.kind == Kind::Jwt).cloned().collect();
    if jwt.is_empty() {
        all.iter().try_for_each(ImsConfiguration::judge_kind)?;
    }
    Ok(jwt)
}

fn told(configuration: &ImsConfiguration) -> String {
    format!("the IMS configuration \"{}\" ({})", configuration.title.as_deref().unwrap_or("?"), configuration.pid)
}

/// Fails when a configuration is on JWT: it is named, with the steps out of it.
async fn none_on_jwt(session: &Session) -> Checked {
    let jwt = on_jwt(&configurations(session).await?)?;
    if jwt.is_empty() {
        return Ok(());
    }
    let standing = ims_configurations::jwt_standing(session.surface("ims.exchange-jwt"), clock::now(session).await?);
    let named: Vec<_> = jwt.iter().map(told).collect();
    let told = format!("still on JWT, which {standing}: {}. To migrate: {}", named.join(", "), MIGRATION.join("; "));
    Err(Problem::failed(told).because(Cause::Jwt))
}

#[then("no IMS configuration for Brand Portal is still on JWT")]
async fn not_on_jwt(world: &mut World) -> Checked {
    none_on_jwt(world.session()?).await
}

#[then("an IMS configuration that is still on JWT is reported as deprecated, with the steps of the migration")]
async fn jwt_is_reported(world: &mut World) -> Checked {
    let session = world.session()?;
    let named: Vec<_> = on_jwt(&configurations(session).await?)?.iter().map(told).collect();
    ensure(!named.is_empty(), || "no IMS configuration for Brand Portal is on JWT".into())?;
    let report = match none_on_jwt(session).await {
        Err(Problem { kind: problem::Kind::Failed, reason, .. }) => reason,
        other => return other.and(Err(Problem::failed("a configuration on JWT is not reported"))),
    };
    let parts = named.iter().map(String::as_str).chain(MIGRATION).chain(["deprecated"]);
    let missing: Vec<_> = parts.filter(|part| !report.contains(part)).collect();
    if missing.is_empty() { Ok(()) } else { Err(Problem::error(format!("\"{report}\" does not say {missing:?}"))) }
}

#[cfg(test)]
mod tests {
    use bpconform_fixtures::Surfaces;

    use super::*;
    use crate::author::ims_configurations::Stored;
    use crate::canned;

    fn configuration(url: &str, alias: &str) -> ImsConfiguration {
        let properties = json!({"auth.access.token.request": url, "auth.token.provider.keypair.alias": alias});
        let node = "com.adobe.granite.auth.oauth.accesstoken.provider.1".to_owned();
        ims_configurations::configuration(Surfaces::built_in().get("author.ims-storage"), Stored { node, properties })
    }

    const EXCHANGE: &str = "https://ims-na1.adobelogin.com/ims/exchange/jwt";

    fn judged(used: &[ImsConfiguration], alias: &str) -> Result<(), problem::Kind> {
        let time = |text: &str| text.parse().expect("a time");
        let not_after = time("2027-01-01T00:00:00Z");
        let store = [Certificate { alias: alias.into(), serial: None, not_after }];
        let judged = judge_certificates(used, &store, time("2026-01-01T00:00:00Z"), SignedDuration::from_hours(1));
        judged.map_err(|problem| problem.kind)
    }

    #[test]
    fn a_certificate_is_known_by_its_alias_in_any_case() {
        assert_eq!(judged(&[configuration(EXCHANGE, "BrandPortal")], "brandportal"), Ok(()));
        assert_eq!(judged(&[configuration(EXCHANGE, "brandportal")], "other"), Err(problem::Kind::Failed));
    }

    #[test]
    fn a_certificate_that_is_not_named_is_not_good() {
        assert_eq!(judged(&[configuration(EXCHANGE, "")], "brandportal"), Err(problem::Kind::Error));
        assert_eq!(judged(&[configuration("", "")], "brandportal"), Err(problem::Kind::Error));
        assert_eq!(judged(&[], "brandportal"), Ok(()));
    }

    #[tokio::test]
    async fn the_key_store_is_read_only_for_who_relies_on_it() {
        let session = canned::session(|_| (403, "", String::new())).await;
        let mut oauth = configuration("https://ims-na1.adobelogin.com/ims/token/v3", "");
        oauth.kind = Kind::OAuth;
        assert_eq!(judge_used(&session, vec![oauth.clone()]).await, Ok(()));
        assert!(judge_used(&session, vec![oauth, configuration(EXCHANGE, "a")]).await.is_err());
    }

    #[test]
    fn what_cannot_be_told_is_not_taken_for_oauth() {
        let unknown = configuration("https://ims-na1.adobelogin.com/ims/token/v3", "");
        assert_eq!(on_jwt(std::slice::from_ref(&unknown)).map_err(|problem| problem.kind), Err(problem::Kind::Error));
        assert_eq!(on_jwt(&[unknown, configuration(EXCHANGE, "a")]).map(|jwt| jwt.len()), Ok(1));
    }
}
