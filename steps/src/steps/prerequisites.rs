//! Sentences of `01-prerequisites.feature`.

use bpconform_fixtures::{Cause, System};
use bpconform_step_macros::{given, then, when};
use cucumber::gherkin::Step;
use url::Url;

use super::first_column;
use crate::author::{agents, bundles, cloud_configuration, pages, product, users};
use crate::call::Call;
use crate::pattern::pattern;
use crate::problem::{Because as _, Checked, Kind, Problem, ensure};
use crate::reply::Reply;
use crate::stack::Stack;
use crate::tenant;
use crate::world::World;

#[derive(Debug)]
struct LoginPage(Reply);

#[derive(Debug)]
struct TenantUrl(Url);

#[derive(Debug)]
struct WrongContext(Problem);

#[when("I open the Author's login page")]
async fn open_login_page(world: &mut World) -> Checked {
    let page = world.session()?.send(Call::to("author.login-page")).await?;
    world.keep(LoginPage(page));
    Ok(())
}

#[then("AEM's login page is shown")]
fn login_page_is_shown(world: &mut World) -> Checked {
    let LoginPage(page) = world.kept()?;
    pages::judge_login(world.session()?, page)
}

#[then(expr = "the Author's run modes include {string}")]
async fn run_modes_include(world: &mut World, mode: String) -> Checked {
    let modes = product::run_modes(world.session()?).await?;
    ensure(modes.contains(&mode), || format!("the run modes are {}, without {mode}", modes.join(", ")))
}

#[then("all OSGi bundles are active")]
async fn bundles_are_active(world: &mut World) -> Checked {
    let session = world.session()?;
    bundles::all(session).await?.judge(session.surface("author.bundles"))
}

#[then("the replication bundle is active")]
async fn replication_bundle_is_active(world: &mut World) -> Checked {
    let session = world.session()?;
    bundles::all(session).await?.judge_replication(session.surface("author.bundles"))
}

#[then("each bundle of Brand Portal is there and active")]
async fn brand_portal_bundles(world: &mut World) -> Checked {
    let session = world.session()?;
    bundles::all(session).await?.judge_brand_portal(session.surface("author.bundles"))
}

#[then("the version of AEM is 6.5.4.0 or later")]
async fn supports_developer_console(world: &mut World) -> Checked {
    product::is_clear(world.session()?)?;
    product::supports_developer_console(&product::version(world.session()?).await?)
}

#[then("the version of AEM is the latest Service Pack or later")]
async fn is_latest(world: &mut World) -> Checked {
    let session = world.session()?;
    product::is_clear(session)?;
    let given = &session.run.settings.latest_service_packs;
    if given.is_empty() {
        return Err(Problem::skipped(
            "the latest Service Pack is not given: set BPCONFORM_LATEST_SERVICE_PACK, for example 6.5.24.0",
        ));
    }
    product::is_latest(&product::version(session).await?, given)
}

#[then(expr = "AEM is at Service Pack 21 or later, or at 11 to 20 with the package {string}")]
async fn can_hold_oauth(world: &mut World, hotfix: String) -> Checked {
    product::is_clear(world.session()?)?;
    product::judge_oauth(world.session()?, &hotfix).await
}

#[given("the Brand Portal tenant URL")]
fn tenant_url(world: &mut World) -> Checked {
    let url = world.session()?.stack.base(System::Tenant)?.clone();
    world.keep(TenantUrl(url));
    Ok(())
}

#[then(regex = r"^it has the form https://TENANT-ID\.brand-portal\.adobe\.com/$")]
fn url_is_well_formed(world: &mut World) -> Checked {
    let (session, TenantUrl(url)) = (world.session()?, world.kept()?);
    let form = pattern(session.surface("tenant.home"), "url")?;
    // A stand-in for the tenant on this machine can have neither Adobe's domain nor its certificate.
    let accepted =
        form.is_match(url.as_str()) || (Stack::is_stand_in(url) && url.path() == "/" && url.query().is_none());
    ensure(accepted, || format!("the tenant URL is {url}; it must be like https://tenant-id.brand-portal.adobe.com/"))?;
    session.stack.tenant_id().map(drop)
}

#[then("the tenant answers at it")]
async fn tenant_answers(world: &mut World) -> Checked {
    let session = world.session()?;
    tenant::judge_home(session.surface("tenant.home"), &session.send(Call::to("tenant.home")).await?)
}

#[then("the Author's cloud configuration uses that URL")]
async fn configuration_uses_url(world: &mut World) -> Checked {
    let session = world.session()?;
    let url = agents::tenant_url(session)?;
    let configured = cloud_configuration::all(session).await?;
    if configured.is_empty() {
        return Err(Problem::skipped("the Author has no Brand Portal cloud configuration that could use an alias"));
    }
    let used: Vec<&str> = configured.iter().filter_map(|it| it.tenant()).collect();
    ensure(used.contains(&url.as_str()), || {
        format!(
            "the Author's cloud configuration uses {}, not {url}: one of them is an alias or another tenant",
            if used.is_empty() { "no URL".to_owned() } else { used.join(", ") }
        )
    })
    .because(Cause::TenantAddress)
}

#[then("the replication agents that deliver to it carry its tenant id in their names")]
async fn agents_carry_tenant_id(world: &mut World) -> Checked {
    let session = world.session()?;
    let (tenant, base) = (session.stack.tenant_id()?, agents::tenant_url(session)?);
    let all = agents::all(session).await?;
    let ours = all.iter().filter(|agent| agent.delivers_to(&base));
    let ours: Vec<_> = ours.filter_map(|agent| Some((&agent.name, agent.named_for()?))).collect();
    if ours.is_empty() {
        return Err(Problem::skipped(format!(
            "the Author has no replication agent of Brand Portal that delivers to {base}"
        )));
    }
    let others: Vec<_> = ours.iter().filter(|(_, id)| *id != tenant).map(|(name, _)| name.as_str()).collect();
    ensure(others.is_empty(), || {
        format!(
            "{base} may be an alias: agents that deliver to it are named for another id than {tenant}: {}",
            others.join(", ")
        )
    })
    .because(Cause::TenantAddress)
}

#[then("the Author identifies me as the user whose credentials were given")]
async fn is_the_user(world: &mut World) -> Checked {
    users::judge_current(world.session()?).await
}

#[then("I may open each of these:")]
async fn may_open(world: &mut World, step: &Step) -> Checked {
    let session = world.session()?;
    let mut denied = Vec::new();
    for name in first_column(step)? {
        let status = pages::denied(session, pages::request(&name)?).await?;
        denied.extend(status.map(|status| format!("{name} ({status})")));
    }
    ensure(denied.is_empty(), || format!("the user may not open: {}", denied.join(", ")))
}

#[when("I ask for the replication agents below a context path that does not exist")]
async fn ask_below_wrong_context(world: &mut World) -> Checked {
    let session = world.session()?;
    let path = format!("{}/etc/replication/agents.author", session.name("no-such-context"));
    let reply = session.send(Call::to("author.node").with("path", path).with("depth", "0")).await?;
    let found = reply.status;
    let problem = match reply.clone().expect_status(&[200]).and_then(|reply| reply.json()) {
        Ok(node) if node.get("jcr:primaryType").is_some() => {
            return Err(Problem::failed(format!("the Author answers {found} for a context path that does not exist")));
        }
        // Something else answers, whatever is asked for.
        Ok(_) => return Err(reply.instead("JSON that is not a node")),
        Err(problem) => problem,
    };
    world.keep(WrongContext(problem));
    Ok(())
}

#[then("the problem names that address and the context path")]
fn problem_is_clear(world: &mut World) -> Checked {
    let WrongContext(problem) = world.kept()?;
    let address = world.session()?.name("no-such-context");
    let clear =
        problem.kind == Kind::Error && problem.reason.contains(&address) && problem.reason.contains("context path");
    // The message comes from the harness: an unhelpful one is a defect of the harness, not of the target.
    if clear {
        Ok(())
    } else {
        Err(Problem::error(format!("a wrong context path is not reported clearly: {}", problem.reason)))
    }
}
