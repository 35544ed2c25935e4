//! `bpconform doctor`: looks at an Author as a person would who was called because something does not work. Reads only,
//! at once where one does not rest on another, and says of everything what was seen, what it means and what to do.

mod agents;
mod configuration;
mod distribution;
mod finding;
mod instance;
mod logs;

use std::sync::Arc;
use std::time::Instant;

use bpconform_fixtures::{Cause, Product};
use bpconform_steps::author::{pages, product as author_product, users};
use bpconform_steps::call::Authentication;
use bpconform_steps::credentials::AuthorLogin;
use bpconform_steps::plain::{plain_json, plain_line};
use bpconform_steps::run::Judged;
use bpconform_steps::session::Session;
use bpconform_steps::stack::Stack;
use bpconform_steps::{Call, Problem};
use futures::FutureExt as _;
use url::Url;

use crate::cli::CommonArgs;
use crate::cli::doctor::DoctorArgs;
use crate::commands::doctor::configuration::{Cloud, CloudState};
pub use crate::commands::doctor::finding::{Diagnosis, Finding, Severity};
use crate::error::Error;
use crate::exit::Exit;
use crate::inputs::surfaces;
use crate::output::Output;
use crate::reach::{Reach, SettingSources};
use crate::report::style::Styles;
use crate::run::{preflight, product, survey};

/// Carries out `bpconform doctor`.
pub async fn command(
    arguments: &DoctorArgs,
    common: &CommonArgs,
    place: SettingSources<'_>,
    output: &Output,
) -> Result<Exit, Error> {
    let reach = Reach::author(&arguments.target, place, output)?;
    let mut run = reach.run(surfaces(arguments.surfaces.as_deref())?, &arguments.target, output)?;
    run.settings.state_dir = arguments.state.directory();
    let insecure = arguments.target.connection.insecure;
    let mut report = examine(reach.session(run), insecure, arguments.target.product.0).await;
    report.findings.iter_mut().for_each(|it| it.seen = plain_line(&output.redactor.redact(&it.seen)));
    if arguments.json {
        output.out(&plain_json(&report.json()));
    } else {
        output.print_text(&report.text(Styles::for_stdout(common.color).are_on(), common.quiet));
    }
    Ok(report.exit())
}

/// Looks at everything, and gives back what it found in the order in which a person would look. Problems are looked for a
/// second time: one wrong answer is not one.
pub async fn examine(session: Session, insecure: bool, asked: Option<Product>) -> Diagnosis {
    let author = session.stack.author.to_string();
    // On the heap: what is looked at needs more than the stack of a thread.
    let mut findings = look(&session, insecure, asked).boxed().await;
    if findings.iter().any(Finding::is_problem) {
        confirm(&mut findings, &look(&session, insecure, asked).boxed().await);
    }
    let mut diagnosis = Diagnosis { author, insecure, findings };
    diagnosis.explain();
    diagnosis
}

/// Makes the problems inconclusive that a second look did not find, also if it could not look everywhere: one read decides
/// nothing.
fn confirm(findings: &mut [Finding], second: &[Finding]) {
    let is_same = |one: &Finding, other: &Finding| (one.topic, one.requirement) == (other.topic, other.requirement);
    let is_unclear = |one: &Finding| one.severity == Severity::Unknown;
    let was_unclear = |one: &Finding| findings.iter().any(|first| is_unclear(first) && is_same(first, one));
    let hidden = second.iter().find(|one| is_unclear(one) && !was_unclear(one)).map(|one| one.seen.clone());
    for finding in findings.iter_mut().filter(|finding| finding.is_problem()) {
        if second.iter().any(|other| other.is_problem() && is_same(other, finding)) {
            continue;
        }
        let why = hidden.as_ref().map_or_else(
            || "asked a second time, the target gave another answer".to_owned(),
            |hidden| format!("it could not be asked a second time: {hidden}"),
        );
        let seen = format!("{}; {why}", finding.seen);
        let (topic, requirement) = (finding.topic, finding.requirement);
        *finding = Finding::caused(topic, Severity::Unknown, requirement, seen, Some(Cause::TwoStates));
    }
}

async fn look(session: &Session, insecure: bool, asked: Option<Product>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if reachable(session, insecure, &mut findings).boxed().await {
        let judged = judged(session, asked).boxed().await;
        let case = CloudState::of(session).boxed().await;
        let session = with_tenant(session, case.all());
        findings.extend(if judged.is_undecided() {
            undecided(&session, &case).boxed().await
        } else if judged.products == [Product::AemCloud] {
            cloud(&session, &case).boxed().await
        } else {
            installed(&session, &case).boxed().await
        });
        if !judged.is_undecided() {
            findings.extend(instance::hints(&judged.products));
        }
    }
    findings
}

/// Looks at an Author of AEM as a Cloud Service.
async fn cloud(session: &Session, case: &CloudState) -> Vec<Finding> {
    let (publisher, agent, cloud) = futures::join!(
        instance::publisher(session).boxed(),
        distribution::look(session).boxed(),
        configuration::cloud(session, case).boxed(),
    );
    [vec![publisher], agent, cloud].concat()
}

/// Looks at an Author that is installed: AEM 6.5 or its LTS.
async fn installed(session: &Session, case: &CloudState) -> Vec<Finding> {
    let (instance, ims, cloud, agents, logs) = futures::join!(
        instance::look(session).boxed(),
        configuration::ims(session, case).boxed(),
        configuration::cloud(session, case).boxed(),
        agents::look(session, case).boxed(),
        logs::look(session).boxed(),
    );
    [instance, ims, cloud, agents, logs].concat()
}

/// Looks at an Author that may be any product: only at what is the same for all.
async fn undecided(session: &Session, case: &CloudState) -> Vec<Finding> {
    let mut findings = configuration::cloud(session, case).await;
    if let Err(problem) = author_product::is_clear(session) {
        findings.insert(0, Finding::of("product", "BP-PRE-02", &problem));
    }
    findings
}

/// The product that the Author is, by what the operator said or by its signs.
async fn judged(session: &Session, asked: Option<Product>) -> Judged {
    if let Some(judged) = session.run.judged.get() {
        return judged.clone();
    }
    let judged = product::judge(asked, Some(&survey::signs(session).await));
    session.run.judged.get_or_init(|| judged).clone()
}

/// Whether there is an AEM that accepts the credentials; without it there is nothing more to look at.
async fn reachable(session: &Session, insecure: bool, findings: &mut Vec<Finding>) -> bool {
    let began = Instant::now();
    let login = session.send(Call::to("author.login-page").as_whom(Authentication::None)).await;
    let reply = match login {
        Ok(reply) => reply,
        Err(problem) => {
            findings.push(Finding::of("reachable", "BP-PRE-06", &problem));
            return false;
        }
    };
    let took = if began.elapsed().as_secs() > 5 { "after more than 5 s" } else { "in time" };
    findings.push(Finding::ok("reachable", "BP-PRE-06", format!("{} answers {took}", reply.what())));
    findings.push(tls(&session.stack.author, insecure));
    if let Err(problem) = pages::judge_login(session, &reply) {
        findings.push(Finding::of("login page", "BP-PRE-01", &problem));
    }
    match preflight::check(session).boxed().await {
        Ok(()) => {
            let user = match session.credentials.author_login() {
                Ok(AuthorLogin::Password(user, _)) => user.to_owned(),
                _ => users::current(session).boxed().await.unwrap_or_default(),
            };
            findings.push(Finding::ok("AEM", "BP-PRE-01", format!("it is AEM, and takes us for {user}")));
            true
        }
        Err(reason) => {
            findings.push(Finding::of("AEM", "BP-PRE-05", &Problem::error(reason)));
            false
        }
    }
}

fn tls(author: &Url, insecure: bool) -> Finding {
    match author.scheme() {
        "https" if insecure => Finding::new(
            "TLS",
            Severity::Warning,
            "BP-PRE-06",
            "the certificate was NOT verified (--insecure): whoever is between can read the credentials",
        ),
        "https" => Finding::ok("TLS", "BP-PRE-06", "the certificate is trusted and for this host"),
        _ if Stack::is_stand_in(author) => Finding::ok("TLS", "BP-PRE-06", "plain HTTP, within this machine"),
        _ => Finding::new(
            "TLS",
            Severity::Warning,
            "BP-PRE-06",
            "plain HTTP: the credentials travel unencrypted over the network",
        ),
    }
}

/// The conversation with the tenant that the Author is configured with, if no other was named.
fn with_tenant(session: &Session, all: &[Cloud]) -> Session {
    let named = session.stack.tenant.clone();
    let tenant = named.or_else(|| all.iter().find_map(|it| Url::parse(it.configuration.tenant()?).ok()));
    let stack = Stack { tenant, ..session.stack.clone() };
    Session::new(Arc::clone(&session.run), stack, session.credentials.clone())
}

#[cfg(test)]
mod tests;
