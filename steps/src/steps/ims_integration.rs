//! Sentences of `03-ims-integration.feature`.

#![expect(clippy::needless_pass_by_value, reason = "cucumber gives a step its values")]

use bpconform_fixtures::{Cause, System};
use bpconform_step_macros::{given, then, when};
use cucumber::gherkin::Step;

use super::chosen::Chosen;
use super::first_column;
use crate::author::failing::{self, Watch};
use crate::author::ims_configurations::{self, ImsConfiguration, Kind};
use crate::author::{client_secrets, error_log, setup, tenants};
use crate::problem::{Because as _, Checked, Problem, ensure};
use crate::session::Session;
use crate::world::World;

/// A client secret that no credential has.
const WRONG_SECRET: &str = "bpconform-wrong-secret";

/// What Check Health showed.
#[derive(Debug)]
pub(super) struct Health(pub(super) Vec<String>);

/// The IMS configuration for Brand Portal; fails unless exactly one exists.
pub async fn the_one(session: &Session) -> Checked<ImsConfiguration> {
    let all = async || ims_configurations::for_brand_portal(session).await;
    let mut found = session.settled(all, |found| found.len() == 1).await?;
    let several = (found.len() > 1).then_some(Cause::SeveralImsConfigurations);
    ensure(found.len() == 1, || {
        let list = found.iter().map(ImsConfiguration::named).collect::<Vec<_>>().join(", ");
        format!(
            "the Author has {} IMS configurations for Brand Portal, not exactly one{}{list}",
            found.len(),
            colon(&list)
        )
    })
    .because(several)?;
    found.pop().ok_or_else(|| Problem::failed("the Author has no IMS configuration for Brand Portal"))
}

/// The IMS configuration for Brand Portal that is in use: the only one, or of several the one that the tenant's cloud
/// configuration names. That there is more than one is for another check to judge.
async fn in_use(session: &Session) -> Checked<ImsConfiguration> {
    let storage = ims_configurations::readable(session).await?;
    let found = ims_configurations::of_brand_portal(session, &storage).await?;
    if found.len() < 2 && storage.unreadable.is_none() {
        return the_one(session).await;
    }
    let used = tenants::cloud_configuration(session).await?.ims_configuration.unwrap_or_default();
    if let Some(in_use) = found.into_iter().find(|it| it.is(&used)) {
        return Ok(in_use);
    }
    storage.judge_whole()?;
    Err(Problem::failed(format!("the cloud configuration names the IMS configuration \"{used}\", which is not there")))
}

fn colon(list: &str) -> &'static str {
    if list.is_empty() { "" } else { ": " }
}

async fn has_none(session: &Session) -> Checked<String> {
    let found = ims_configurations::for_brand_portal(session).await?;
    Ok(found.iter().map(ImsConfiguration::named).collect::<Vec<_>>().join(", "))
}

#[given("the Author has no IMS configuration for Brand Portal")]
async fn given_none(world: &mut World) -> Checked {
    let found = has_none(world.session()?).await?;
    if found.is_empty() {
        Ok(())
    } else {
        Err(Problem::skipped(format!("the Author already has {found}, which stays unchanged")))
    }
}

#[then("the Author has no IMS configuration for Brand Portal any more")]
async fn none_any_more(world: &mut World) -> Checked {
    let session = world.session()?;
    let found = session.settled(async || has_none(session).await, String::is_empty).await?;
    ensure(found.is_empty(), || format!("the Author still has {found}"))
}

#[when(expr = "I create an IMS configuration of type OAuth for {string} from the credential's details")]
async fn create(world: &mut World, solution: String) -> Checked {
    let session = world.session()?;
    let known = session.surface("author.ims-create").phrase("cloud-solution");
    if solution != known {
        return Err(Problem::error(format!("the harness creates IMS configurations for {known}, not for {solution}")));
    }
    create_chosen(world, "ims", None).await
}

#[given("an IMS configuration for Brand Portal was created from the credential's details")]
async fn was_created(world: &mut World) -> Checked {
    create_chosen(world, "ims", None).await
}

#[given("an IMS configuration with a wrong client secret was created")]
async fn was_created_wrongly(world: &mut World) -> Checked {
    let watch = failing::begin(world.session()?).await?;
    world.keep(OnPurpose(Some(watch)));
    create_chosen(world, "wrong-ims", Some(WRONG_SECRET)).await
}

/// What the scenario makes fail on purpose, as long as it does.
#[derive(Debug)]
struct OnPurpose(Option<Watch>);

/// Remembers which entries of the error log the scenario has caused, so that no later run judges them.
async fn note_on_purpose(world: &World) -> Checked {
    match world.kept() {
        Ok(OnPurpose(Some(watch))) => watch.note(world.session()?).await,
        _ => Ok(()),
    }
}

async fn create_chosen(world: &mut World, name: &str, secret: Option<&str>) -> Checked {
    let session = world.session()?;
    let title = session.name(name);
    let pid = setup::create_ims_configuration(session, &title, secret).await?;
    world.keep(Chosen { pid, title });
    Ok(())
}

#[given("the IMS configuration for Brand Portal")]
async fn choose_the_one_in_use(world: &mut World) -> Checked {
    let found = in_use(world.session()?).await?;
    let title = found.title.clone().ok_or_else(|| Problem::failed(format!("{} has no title", found.pid)))?;
    world.keep(Chosen { pid: found.pid.clone(), title });
    world.keep(found);
    Ok(())
}

#[then("the Author has exactly one IMS configuration for Brand Portal")]
async fn has_exactly_one(world: &mut World) -> Checked {
    let session = world.session()?;
    the_one(session).await?.judge_solution(session)
}

#[then("it is of type OAuth and holds the title, client id, scopes and token endpoint that I gave")]
async fn holds_details(world: &mut World) -> Checked {
    let (session, chosen) = (world.session()?, world.kept::<Chosen>()?);
    let found = the_one(session).await?;
    ensure(found.is(&chosen.pid), || format!("the configuration is {}, not the created {}", found.pid, chosen.pid))?;
    found.judge_kind()?;
    ensure(found.kind == Kind::OAuth, || format!("{} is of type JWT, not OAuth", found.named()))?;
    let same = |what: &str, found: &Option<String>, given: &str| {
        let found = found.as_deref().unwrap_or("nothing");
        ensure(found == given, || format!("the {what} of the configuration is {found}, not {given}"))
    };
    same("title", &found.title, &chosen.title)?;
    same("client id", &found.client_id, session.credentials.need("BPCONFORM_IMS_CLIENT_ID")?)?;
    let scopes =
        |text: &str| text.split(',').map(|scope| scope.trim().to_owned()).collect::<std::collections::BTreeSet<_>>();
    let (stored, given) =
        (found.scope.as_deref().unwrap_or_default(), session.credentials.need("BPCONFORM_IMS_SCOPE")?);
    ensure(scopes(stored) == scopes(given), || format!("the scopes of the configuration are {stored}, not {given}"))?;
    let server = session.stack.base(System::Ims)?.as_str();
    let endpoint = found.token_request.as_deref().unwrap_or("nothing");
    let known = session.surface("ims.token");
    let path = endpoint.strip_prefix(server.trim_end_matches('/')).unwrap_or_default();
    let right = std::iter::once(&known.path).chain(&known.alternatives).any(|known| known == path);
    ensure(right, || format!("the configuration asks {endpoint} for tokens, which is not a token endpoint of {server}"))
}

#[when("I select it and click Check Health")]
async fn check_health(world: &mut World) -> Checked {
    let Chosen { pid, title } = world.kept()?;
    let lines = setup::check_health(world.session()?, pid, title).await;
    note_on_purpose(world).await?;
    world.keep(Health(lines?));
    Ok(())
}

#[then(expr = "AEM shows {string} and that the token was retrieved successfully")]
fn is_healthy(world: &mut World, heading: String) -> Checked {
    let message = message(world)?;
    let Health(lines) = world.kept()?;
    setup::judge_health(lines, &heading, &message)
}

#[then("AEM does not show that the configuration is healthy")]
fn is_unhealthy(world: &mut World) -> Checked {
    let heading = world.session()?.surface("author.ims-health").wording("heading").to_owned();
    let message = message(world)?;
    let Health(lines) = world.kept()?;
    ensure(!shows(lines, &heading) && !shows(lines, &message), || {
        format!("AEM finds a configuration with a wrong client secret healthy: {}", lines.join(" | "))
    })
}

fn message(world: &World) -> Checked<String> {
    let phrase = world.session()?.surface("author.ims-health").wording("message");
    Ok(phrase.replace("{title}", &world.kept::<Chosen>()?.title))
}

fn shows(lines: &[String], phrase: &str) -> bool {
    lines.iter().any(|line| line.contains(phrase))
}

#[when("I read the end of the Author's error log")]
async fn read_error_log(world: &mut World) -> Checked {
    let log = error_log::read(world.session()?).await?;
    world.keep(log);
    Ok(())
}

#[then("it shows no token that IMS refused")]
async fn no_refused_token(world: &mut World) -> Checked {
    error_log::no_refused_token(world.session()?, world.kept()?).await
}

#[when("I delete it")]
async fn delete(world: &mut World) -> Checked {
    let chosen = world.kept::<Chosen>()?;
    let call = setup::ims_deletion(&chosen.pid, Some(&chosen.title)).undone_by([]);
    world.session()?.send(call).await?.expect_status(&[200])?;
    note_on_purpose(world).await?;
    world.keep(OnPurpose(None));
    Ok(())
}

#[then("its client secret is stored encrypted")]
async fn secret_is_encrypted(world: &mut World) -> Checked {
    let (session, configuration) = (world.session()?, world.kept::<ImsConfiguration>()?);
    client_secrets::judge_stored(session, &ims_configurations::readable(session).await?, configuration)
}

#[then("none of these shows the client secret that was given:")]
async fn secret_is_not_shown(world: &mut World, step: &Step) -> Checked {
    let session = world.session()?;
    let secret = session.credentials.need("BPCONFORM_IMS_CLIENT_SECRET")?;
    client_secrets::judge_shown(session, secret, first_column(step)?).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_granite_encrypted_counts_as_encrypted() {
        assert!(ims_configurations::is_encrypted(&format!("{{{}}}", "0aF9".repeat(16))));
        for clear in
            ["", "{}", "p8e-secret", "{DES}abc", "{p8e-secret}", &"ab".repeat(32), &format!("{{{}}}", "ab".repeat(8))]
        {
            assert!(!ims_configurations::is_encrypted(clear), "{clear}");
        }
    }
}
