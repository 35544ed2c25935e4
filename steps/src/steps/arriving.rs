//! Sentences of `03-ims-integration.feature` and `05-replication-agents.feature` about what arrives at IMS and at the
//! tenant. Only mocks show that, so these sentences are for mocked systems.

#![expect(clippy::needless_pass_by_value, reason = "cucumber gives a step its values")]

use bpconform_fixtures::System;
use bpconform_step_macros::{given, then, when};
use cucumber::gherkin::Step;
use url::Url;

use super::below_heading;
use super::ims_integration::Health;
use super::replication_agents::{Four, Tested, named, together};
use crate::arrivals::{self, Arrival, Mark, Since};
use crate::author::agents::Agent;
use crate::author::ims_configurations::{self, ImsConfiguration, Kind};
use crate::author::transcript::{self, Transcript};
use crate::problem::{Checked, Problem, ensure};
use crate::session::Session;
use crate::world::World;

/// How far IMS was read before the Author had to ask it.
#[derive(Debug)]
struct Before(Mark);

/// The token requests that arrived, each with the IMS configuration that it is of.
#[derive(Debug)]
struct TokenRequests(Vec<(Arrival, ImsConfiguration)>);

/// What arrived at the tenant while one agent was tested.
#[derive(Debug)]
struct Delivery {
    agent: Agent,
    tested: Checked<Transcript>,
    since: Since,
}

#[derive(Debug)]
struct Deliveries(Vec<Delivery>);

#[given("what arrives at IMS is watched")]
async fn watch_ims(world: &mut World) -> Checked {
    let mark = arrivals::mark(world.session()?, System::Ims).await?;
    world.keep(Before(mark));
    Ok(())
}

#[then("IMS got a token request of the Author, by POST at the endpoint that its IMS configuration names")]
async fn token_request_arrives(world: &mut World) -> Checked {
    let (session, Before(mark)) = (world.session()?, world.kept()?);
    let since = arrivals::since(session, System::Ims, *mark).await?;
    // The tenant asks IMS too: whether the token is good that it was sent.
    let validates = |arrival: &&Arrival| arrival.path.starts_with(&session.surface("ims.validate-token").path);
    let requests: Vec<&Arrival> = since.requests.iter().filter(|arrival| !validates(arrival)).collect();
    if requests.is_empty() {
        return Err(nothing_asked(world, &since));
    }
    let configurations = ims_configurations::for_brand_portal(session).await?;
    let found: Checked<Vec<_>> = requests.into_iter().map(|request| own(session, request, &configurations)).collect();
    let found = found?;
    world.keep(TokenRequests(found));
    Ok(())
}

/// An Author may keep a token as long as it is good; then it asks for none, and nothing is wrong with it.
fn nothing_asked(world: &World, since: &Since) -> Problem {
    if is_content(world).unwrap_or(false) {
        return Problem::skipped(
            "the Author asked IMS for no token, but used one that it had got before: its request was not seen; restart \
            the Author, or wait until that token has expired",
        );
    }
    Problem::failed(format!("the Author asked IMS for no token{}", since.refusal()))
}

/// Whether the Author says that all went well.
fn is_content(world: &World) -> Checked<bool> {
    let session = world.session()?;
    if let Ok(Tested(tested)) = world.kept() {
        let surface = session.surface("author.agent-test");
        return Ok(tested.iter().all(|one| one.as_ref().is_ok_and(|transcript| transcript.succeeded(surface))));
    }
    let heading = session.surface("author.ims-health").wording("heading");
    let Health(lines) = world.kept()?;
    Ok(lines.iter().any(|line| line.contains(heading)))
}

/// The request with the IMS configuration of its client, if it was sent as that says.
fn own(session: &Session, request: &Arrival, all: &[ImsConfiguration]) -> Checked<(Arrival, ImsConfiguration)> {
    let client = request.field(session.surface("ims.token").field("client-id"));
    let configuration = all.iter().find(|it| it.client_id.as_deref() == Some(client));
    let configuration = configuration.ok_or_else(|| {
        Problem::failed(format!(
            "IMS got {} for the client \"{client}\", which no IMS configuration for Brand Portal has",
            request.request()
        ))
    })?;
    if configuration.kind == Kind::Jwt {
        return Err(Problem::skipped(format!("{} is of type JWT, not OAuth", configuration.pid)));
    }
    let endpoint = configuration.token_request.as_deref().unwrap_or("nowhere");
    let right = Url::parse(endpoint).is_ok_and(|url| request.method == "POST" && request.is_for(&url));
    ensure(right, || format!("IMS got {} at {}, not POST at {endpoint}", request.request(), request.header("host")))?;
    Ok((request.clone(), configuration.clone()))
}

#[then(
    expr = "its form held the grant {string}, the client id and scopes of that IMS configuration, and a client secret"
)]
fn form_is_right(world: &mut World, grant: String) -> Checked {
    let TokenRequests(requests) = world.kept()?;
    together(requests.iter().map(|(request, configuration)| judge_form(world, request, configuration, &grant)))
}

fn judge_form(world: &World, request: &Arrival, configuration: &ImsConfiguration, grant: &str) -> Checked {
    let surface = world.session()?.surface("ims.token");
    let kind = request.header("content-type");
    let is_form =
        ["application/x-www-form-urlencoded", "multipart/form-data"].iter().any(|form| kind.starts_with(form));
    ensure(is_form, || format!("the token request's Content-Type is \"{kind}\", which is not a form"))?;
    let (name, found) = (surface.field("grant"), request.field(surface.field("grant")));
    ensure(found == grant, || format!("the token request's {name} is \"{found}\", not \"{grant}\""))?;
    let scopes = |text: &str| {
        let scopes = text.split([',', ' ']).map(str::trim).filter(|scope| !scope.is_empty()).map(str::to_owned);
        scopes.collect::<std::collections::BTreeSet<_>>()
    };
    let (found, stored) = (request.field(surface.field("scope")), configuration.scope.as_deref().unwrap_or_default());
    ensure(scopes(found) == scopes(stored), || {
        format!("the token request is for the scopes \"{found}\", not \"{stored}\"")
    })?;
    let name = surface.field("client-secret");
    ensure(!request.field(name).is_empty(), || format!("the token request has no {name}"))
}

#[then("IMS gave a token for it")]
fn token_was_given(world: &mut World) -> Checked {
    let TokenRequests(requests) = world.kept()?;
    together(requests.iter().map(|(request, configuration)| {
        ensure(request.status == 200, || {
            format!("IMS answered {} to the token request of {}, not 200", request.status, configuration.pid)
        })
    }))
}

#[when("I click Test Connection on each of them, one after the other")]
async fn test_one_by_one(world: &mut World) -> Checked {
    let (session, Four(four)) = (world.session()?, world.kept()?);
    let mut deliveries = Vec::new();
    // A package does not name its agent: only one agent at a time may send.
    for agent in four {
        let mark = arrivals::mark(session, System::Tenant).await?;
        let tested = transcript::test_connection(session, &agent.name).await;
        let since = arrivals::since(session, System::Tenant, mark).await?;
        deliveries.push(Delivery { agent: agent.clone(), tested, since });
    }
    world.keep(Deliveries(deliveries));
    Ok(())
}

impl Delivery {
    /// The test packages: what was posted, but for the jobs of a queue that happens to be at work.
    fn packages(&self, session: &Session) -> Vec<&Arrival> {
        let action = session.surface("tenant.receive").field("action");
        let job = |arrival: &Arrival| {
            ["activate", "deactivate", "delete"].iter().any(|job| arrival.header(action).eq_ignore_ascii_case(job))
        };
        self.since.requests.iter().filter(|arrival| arrival.method == "POST" && !job(arrival)).collect()
    }

    /// Judges every test package of the agent; without one, the agent failed.
    fn judge(&self, session: &Session, check: impl Fn(&Arrival) -> Checked) -> Checked {
        let packages = self.packages(session);
        if packages.is_empty() {
            return Err(self.nothing(session));
        }
        let judged = packages.into_iter().map(|package| check(package).map_err(|problem| named(&self.agent, &problem)));
        together(judged)
    }

    fn nothing(&self, session: &Session) -> Problem {
        let tenant = session.stack.base(System::Tenant).map(ToString::to_string).unwrap_or_default();
        match &self.tested {
            Err(problem) => named(&self.agent, problem),
            Ok(transcript) => Problem::failed(format!(
                "agent {}: no test package arrived at the tenant {tenant}{}",
                self.agent.name,
                self.since.refusal(),
            ))
            .showing(transcript.last_lines()),
        }
    }
}

fn each_package(world: &World, check: impl Fn(&Agent, &Arrival) -> Checked) -> Checked {
    let (session, Deliveries(deliveries)) = (world.session()?, world.kept()?);
    together(deliveries.iter().map(|delivery| delivery.judge(session, |package| check(&delivery.agent, package))))
}

#[then("a test package of each of them arrived at the tenant, at the agent's own target")]
fn each_arrived(world: &mut World) -> Checked {
    each_package(world, |agent, package| {
        let target = agent.target().unwrap_or_default();
        let right = Url::parse(&target).is_ok_and(|url| package.is_for(&url));
        ensure(right, || {
            format!("its package arrived as {} at {}, not at {target}", package.request(), package.header("host"))
        })
    })
}

#[then("each of these packages was sent like this:")]
fn each_was_sent_like(world: &mut World, step: &Step) -> Checked {
    let rows = below_heading::<2>(step)?;
    each_package(world, |_, package| together(rows.iter().map(|[what, value]| judge_row(package, what, value))))
}

fn judge_row(package: &Arrival, what: &str, value: &str) -> Checked {
    let (found, value) = match what {
        "request" => (package.request(), arrivals::request(value)),
        "body" => {
            (if package.bytes == 0 { "empty".to_owned() } else { format!("{} bytes", package.bytes) }, value.into())
        }
        header => (package.header(header).to_owned(), value.to_owned()),
    };
    ensure(found == value, || format!("the {what} of its test package is \"{found}\", not \"{value}\""))
}

#[then("each of these packages carried a valid token of IMS for the client of an IMS configuration")]
async fn each_bore_a_token(world: &mut World) -> Checked {
    let configurations = ims_configurations::for_brand_portal(world.session()?).await?;
    let clients: Vec<&str> = configurations.iter().filter_map(|it| it.client_id.as_deref()).collect();
    each_package(world, |_, package| package.bears_token_for(&clients))
}
