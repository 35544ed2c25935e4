//! The instance itself: version and Service Pack, privileges, bundles.

use bpconform_fixtures::{Hint, Product};
use bpconform_steps::author::product::{self, Version};
use bpconform_steps::author::publisher::{self, Shown};
use bpconform_steps::author::{bundles, pages, proxies, users};
use bpconform_steps::session::Session;
use bpconform_steps::{Kind, Problem};
use futures::FutureExt as _;
use futures::future::join_all;

use super::{Finding, Severity};

/// Looks at the instance.
pub(super) async fn look(session: &Session) -> Vec<Finding> {
    let (version, user, privileges, publisher, bundles, modes, proxies) = futures::join!(
        version(session).boxed(),
        users::judge_current(session).boxed(),
        privileges(session).boxed(),
        publisher(session).boxed(),
        all_bundles(session).boxed(),
        run_modes(session).boxed(),
        proxies(session).boxed()
    );
    let user = user.err().map(|problem| Finding::of("user", "BP-PRE-05", &problem));
    version.into_iter().chain(user).chain([privileges, publisher, modes]).chain(bundles).chain(proxies).collect()
}

/// What is to be known of the products that the Author is judged as: the end of their support, for example.
pub(super) fn hints(products: &[Product]) -> Vec<Finding> {
    let hints = products.iter().flat_map(|product| Hint::about(*product));
    let finding = |hint: &'static Hint| {
        let seen = format!("{} ({}, seen on {})", hint.says, hint.source, hint.seen);
        Finding::new(&hint.topic, Severity::Info, "BP-PRE-02", seen)
    };
    hints.map(finding).collect()
}

/// AEM has two HTTP clients; a proxy that only one of them has is a proxy that the other one misses.
async fn proxies(session: &Session) -> Option<Finding> {
    let (topic, requirement) = ("proxy", "BP-PRE-06");
    let [old, new] = match proxies::of_clients(session).await {
        Ok(clients) => clients,
        Err(problem) => return Some(Finding::of(topic, requirement, &problem)),
    };
    Some(match (&old.address, &new.address) {
        (None, None) => return None,
        (Some(one), Some(other)) if one == other => {
            Finding::ok(topic, requirement, format!("{one}, for both HTTP clients of AEM"))
        }
        (Some(one), Some(other)) => {
            let seen = format!("the HTTP clients of AEM use two proxies: {} {one}, {} {other}", old.pid, new.pid);
            Finding::new(topic, Severity::Warning, requirement, seen)
        }
        (one, other) => {
            let (with, without) = if one.is_some() { (&old, &new) } else { (&new, &old) };
            let address = one.as_ref().or(other.as_ref()).map_or("", String::as_str);
            let seen = format!(
                "the proxy {address} is set for one of the two HTTP clients of AEM, {}, and not for the other, {}, as far \
                 as /apps/system/config tells",
                with.pid, without.pid
            );
            Finding::new(topic, Severity::Warning, requirement, seen)
        }
    })
}

async fn version(session: &Session) -> Vec<Finding> {
    if let Err(problem) = product::is_clear(session) {
        let unclear = |topic, requirement| Finding::of(topic, requirement, &problem);
        return vec![unclear("version", "BP-PRE-02"), unclear("Service Pack", "BP-PRE-03")];
    }
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
    findings.extend(hotfix(session, &version).await);
    findings
}

/// The hotfix that a service pack of AEM 6.5 LTS needs (aem-cloud.md).
async fn hotfix(session: &Session, version: &Version) -> Option<Finding> {
    let (topic, requirement) = ("hotfix", "BP-PRE-03");
    if Product::of_version(&version.to_string()) != Some(Product::Aem65Lts) {
        return None;
    }
    let word = format!("lts-hotfix-{}", version.service_pack());
    let hotfix = session.surface("author.packages").phrases.get(&word)?;
    Some(match product::packages(session).await {
        Ok(all) if all.iter().any(|it| it.is_installed() && it.name.contains(hotfix.as_str())) => {
            Finding::ok(topic, requirement, format!("{hotfix} is installed"))
        }
        Ok(_) => {
            let seen = format!("AEM is {version}, which needs the hotfix {hotfix}; it is not installed");
            Finding::new(topic, Severity::Warning, requirement, seen)
        }
        Err(problem) => Finding::of(topic, requirement, &problem),
    })
}

fn latest(session: &Session, version: &Version) -> Option<Finding> {
    let given = &session.run.settings.latest_service_packs;
    if given.is_empty() {
        return None;
    }
    Some(match product::is_latest(version, given) {
        Ok(()) => Finding::ok("Service Pack", "BP-PRE-03", format!("{version} is the latest of its release line")),
        Err(problem) => recommended(&problem),
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

/// Whether the user has what publishing needs (surfaces.md §3.6).
pub(super) async fn publisher(session: &Session) -> Finding {
    let (topic, requirement) = ("publisher", "BP-PRE-05");
    match publisher::judge(session).await {
        Ok((user, Shown::Administrator)) => {
            Finding::ok(topic, requirement, format!("{user} is the administrator, who may publish"))
        }
        Ok((user, Shown::Granted)) => {
            Finding::ok(topic, requirement, format!("{user} may read what publishing needs, and replicate content"))
        }
        Ok((user, Shown::Open)) => {
            let seen = format!(
                "{user} may read what publishing needs; whether it may also create, modify and replicate below /content \
                 and /content/dam, for example by a group, is not shown"
            );
            Finding::new(topic, Severity::Info, requirement, seen)
        }
        Err(problem) => Finding::of(topic, requirement, &problem),
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
    let mut findings = vec![match all.judge_replication(surface).and_then(|()| all.judge(surface)) {
        Ok(()) => Finding::ok("bundles", "BP-PRE-01", format!("all {} are active", all.all.len())),
        Err(problem) => Finding::of("bundles", "BP-PRE-01", &problem),
    }];
    findings.push(match all.judge_brand_portal(surface) {
        Ok(()) => {
            let named = all.of_brand_portal(surface).into_iter();
            let named: Vec<_> = named.filter_map(|(name, it)| Some(format!("{name} {}", it?.version))).collect();
            Finding::ok("bundles", "BP-PRE-07", format!("Brand Portal's are active: {}", named.join(", ")))
        }
        Err(problem) => Finding::of("bundles", "BP-PRE-07", &problem),
    });
    findings.push(match all.oauth_ability(surface) {
        Some(version) => {
            let name = surface.phrase("ims-bundle");
            let seen = format!("{name} {version} can hold OAuth credentials, as inferred from its version");
            Finding::new("OAuth", Severity::Info, "BP-PRE-07", seen)
        }
        None => Finding::new("OAuth", Severity::Info, "BP-PRE-07", "no bundle is known to hold OAuth credentials"),
    });
    findings
}
