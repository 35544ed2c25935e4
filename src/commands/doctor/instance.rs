//! The instance itself: version and Service Pack, privileges, bundles.

use bpconform_steps::author::product::{self, Version};
use bpconform_steps::author::{bundles, pages, users};
use bpconform_steps::session::Session;
use bpconform_steps::{Kind, Problem};
use futures::FutureExt as _;
use futures::future::join_all;

use super::{Finding, Severity};

/// Looks at the instance.
pub(super) async fn look(session: &Session) -> Vec<Finding> {
    let (version, user, privileges, bundles, modes) = futures::join!(
        version(session).boxed(),
        users::judge_current(session).boxed(),
        privileges(session).boxed(),
        all_bundles(session).boxed(),
        run_modes(session).boxed()
    );
    let user = user.err().map(|problem| Finding::of("user", "BP-PRE-05", &problem));
    version.into_iter().chain(user).chain([privileges]).chain([modes]).chain(bundles).collect()
}

async fn version(session: &Session) -> Vec<Finding> {
    let version = match product::version(session).await {
        Ok(version) => version,
        Err(problem) => return vec![Finding::of("version", "BP-PRE-02", &problem)],
    };
    if let Err(problem) = product::supports_developer_console(&version) {
        return vec![Finding::of("version", "BP-PRE-02", &problem)];
    }
    let mut findings = vec![Finding::ok("version", "BP-PRE-02", format!("AEM {version}"))];
    if let Err(problem) = product::judge_oauth(session, product::OAUTH_HOTFIX).boxed().await {
        findings.push(recommended(&problem));
    }
    findings.extend(latest(session, &version));
    findings
}

fn latest(session: &Session, version: &Version) -> Option<Finding> {
    let latest = session.run.settings.latest_service_pack.as_deref()?;
    Some(match latest.parse::<Version>() {
        Ok(latest) => match product::is_latest(version, &latest) {
            Ok(()) => Finding::ok("Service Pack", "BP-PRE-03", format!("{version} is the latest")),
            Err(problem) => recommended(&problem),
        },
        Err(problem) => Finding::of("Service Pack", "BP-PRE-03", &problem),
    })
}

/// What keeps an Author from being set up, and does not matter for one that is.
fn recommended(problem: &Problem) -> Finding {
    match problem.kind {
        Kind::Failed => Finding::new("Service Pack", Severity::Warning, "BP-PRE-03", &problem.reason),
        _ => Finding::of("Service Pack", "BP-PRE-03", problem),
    }
}

async fn privileges(session: &Session) -> Finding {
    let topic = "privileges";
    let open = |name: &'static str| async move {
        let denied = pages::denied(session, pages::request(name)?).await?;
        Ok::<_, Problem>(denied.map(|status| format!("{name} ({status})")))
    };
    let answers = join_all(pages::NEEDED.map(open)).await;
    if let Some(problem) = answers.iter().find_map(|answer| answer.as_ref().err()) {
        return Finding::of(topic, "BP-PRE-05", problem);
    }
    let denied: Vec<String> = answers.into_iter().flatten().flatten().collect();
    if denied.is_empty() {
        Finding::ok(
            topic,
            "BP-PRE-05",
            format!("the user may open all {} pages and data that are needed", pages::NEEDED.len()),
        )
    } else {
        Finding::problem(topic, "BP-PRE-05", format!("the user may not open: {}", denied.join(", ")))
    }
}

async fn run_modes(session: &Session) -> Finding {
    match product::run_modes(session).await {
        Ok(modes) if modes.iter().any(|mode| mode == "author") => {
            Finding::ok("run mode", "BP-PRE-01", modes.join(", "))
        }
        Ok(modes) => {
            Finding::problem("run mode", "BP-PRE-01", format!("the run modes are {}, without author", modes.join(", ")))
        }
        Err(problem) => Finding::of("run mode", "BP-PRE-01", &problem),
    }
}

async fn all_bundles(session: &Session) -> Vec<Finding> {
    let all = match bundles::all(session).await {
        Ok(all) => all,
        Err(problem) => return vec![Finding::of("bundles", "BP-PRE-01", &problem)],
    };
    let surface = session.surface("author.bundles");
    vec![match all.judge_replication(surface).and_then(|()| all.judge(surface)) {
        Ok(()) => Finding::ok("bundles", "BP-PRE-01", format!("all {} are active", all.all.len())),
        Err(problem) => Finding::of("bundles", "BP-PRE-01", &problem),
    }]
}
