//! The IMS configuration and the Brand Portal cloud configuration.

use std::collections::BTreeSet;

use bpconform_fixtures::Cause;
use bpconform_steps::author::certificates::{self, Standing};
use bpconform_steps::author::cloud_configuration::{self, CloudConfiguration};
use bpconform_steps::author::ims_configurations::{self, ImsConfiguration, Kind, Storage};
use bpconform_steps::author::{agents, client_secrets, repository, tenants};
use bpconform_steps::problem::Checked;
use bpconform_steps::session::Session;
use bpconform_steps::tenant::judge_home;
use bpconform_steps::{Call, Problem};
use futures::FutureExt as _;
use jiff::{SignedDuration, Timestamp};

use super::{Finding, Severity};

/// The topics, as a person calls them.
const IMS: &str = "IMS configuration";
const CLOUD: &str = "cloud service";

/// A Brand Portal cloud configuration, and whether it is on the legacy OAuth gateway.
#[derive(Debug)]
pub(super) struct Cloud {
    pub(super) configuration: CloudConfiguration,
    on_gateway: bool,
}

/// What decides how the rest is to be judged.
#[derive(Debug)]
pub(super) struct CloudState {
    clouds: Checked<Vec<Cloud>>,
    tenant_is_named: bool,
}

impl CloudState {
    /// Asks the Author.
    pub(super) async fn of(session: &Session) -> Self {
        Self { clouds: clouds(session).await, tenant_is_named: session.stack.tenant.is_some() }
    }

    /// The cloud configurations, as far as they could be read.
    pub(super) fn all(&self) -> &[Cloud] {
        self.clouds.as_deref().unwrap_or_default()
    }

    /// Why the cloud configurations could not be read.
    pub(super) fn unread(&self) -> Option<&Problem> {
        self.clouds.as_ref().err()
    }

    /// Whether Brand Portal is configured only through the legacy OAuth gateway: then an IMS configuration is not
    /// expected, and one agent is.
    pub(super) fn is_legacy(&self) -> bool {
        !self.all().is_empty() && self.all().iter().all(|cloud| cloud.on_gateway)
    }
}

async fn clouds(session: &Session) -> Checked<Vec<Cloud>> {
    let surface = session.surface("author.cloud-storage");
    let mut clouds = Vec::new();
    for configuration in cloud_configuration::all(session).await? {
        let node = repository::read(session, &configuration.path, "-1").await?.unwrap_or_default();
        clouds.push(Cloud { configuration, on_gateway: cloud_configuration::names_gateway(surface, &node) });
    }
    Ok(clouds)
}

/// Looks at the IMS configurations for Brand Portal: how many, of which kind, how their secrets are kept.
pub(super) async fn ims(session: &Session, case: &CloudState) -> Vec<Finding> {
    let storage = match ims_configurations::storage(session).await {
        Ok(storage) => storage,
        Err(problem) => return vec![Finding::of(IMS, "BP-IMS-03", &problem)],
    };
    let used: Vec<String> = case.all().iter().filter_map(|it| it.configuration.ims_configuration.clone()).collect();
    let ours = match storage.for_brand_portal(session, &used) {
        Ok(ours) => ours,
        Err(problem) => return vec![Finding::of(IMS, "BP-IMS-03", &problem)],
    };
    if ours.is_empty() && case.is_legacy() {
        return vec![Finding::new(IMS, Severity::Info, "BP-GTW-01", "none, and the legacy OAuth gateway needs none")];
    }
    let mut findings = vec![count(session, &ours)];
    for configuration in &ours {
        findings.push(kind(session, configuration));
        findings.extend(secret(session, &storage, configuration));
    }
    findings.extend(shown(session).boxed().await);
    let on_jwt: Vec<_> = ours.iter().filter(|it| it.kind == Kind::Jwt).collect();
    if !on_jwt.is_empty() {
        findings.extend(certificates(session, &on_jwt).await);
    }
    findings
}

fn count(session: &Session, ours: &[ImsConfiguration]) -> Finding {
    match ours {
        [] => Finding::problem(IMS, "BP-IMS-03", "the Author has no IMS configuration for Brand Portal"),
        [one] => match one.judge_solution(session) {
            Ok(()) => Finding::ok(IMS, "BP-IMS-03", format!("exactly one, {}", one.named())),
            Err(problem) => Finding::of(IMS, "BP-IMS-03", &problem),
        },
        several => {
            let names: Vec<String> = several.iter().map(ImsConfiguration::named).collect();
            let seen =
                format!("the Author has {} IMS configurations for Brand Portal: {}", names.len(), names.join(", "));
            Finding::problem_of(IMS, "BP-IMS-03", seen, Cause::SeveralImsConfigurations)
        }
    }
}

fn kind(session: &Session, configuration: &ImsConfiguration) -> Finding {
    if let Err(problem) = configuration.judge_kind() {
        return Finding::of(IMS, "BP-JWT-06", &problem);
    }
    if configuration.kind == Kind::OAuth {
        return Finding::ok(IMS, "BP-JWT-06", format!("{} is of type OAuth", configuration.named()));
    }
    let standing = ims_configurations::jwt_standing(session.surface("ims.exchange-jwt"), Timestamp::now());
    let seen = format!("{} is still on JWT, which {standing}", configuration.named());
    Finding::problem_of(IMS, "BP-JWT-06", seen, Cause::Jwt)
}

/// A secret that is not stored encrypted. A configuration on JWT has a key, and may have no secret.
fn secret(session: &Session, storage: &Storage, configuration: &ImsConfiguration) -> Option<Finding> {
    let problem = client_secrets::judge_stored(session, storage, configuration).err()?;
    let has_none = configuration.kind == Kind::Jwt && problem.kind == bpconform_steps::Kind::Error;
    (!has_none).then(|| Finding::of(IMS, "BP-IMS-05", &problem))
}

/// A page, or data, that shows the client secret; nothing where none was given.
async fn shown(session: &Session) -> Option<Finding> {
    let secret = session.credentials.get("BPCONFORM_IMS_CLIENT_SECRET")?;
    let judged = client_secrets::judge_shown(session, secret, client_secrets::WHERE).await;
    judged.err().map(|problem| Finding::of(IMS, "BP-IMS-05", &problem))
}

async fn certificates(session: &Session, on_jwt: &[&ImsConfiguration]) -> Vec<Finding> {
    let all = match certificates::key_store(session).await {
        Ok(all) => all,
        Err(problem) => return vec![Finding::of("certificate", "BP-JWT-04", &problem)],
    };
    let warning = SignedDuration::try_from(session.run.settings.certificate_warning).unwrap_or(SignedDuration::MAX);
    let finding = |configuration: &&ImsConfiguration| {
        let Some(alias) = &configuration.key_pair_alias else {
            let problem = Problem::error(format!("{} names no key pair", configuration.named()));
            return Finding::of("certificate", "BP-JWT-04", &problem);
        };
        let Some(certificate) = all.iter().find(|it| it.has_alias(alias)) else {
            return Finding::problem("certificate", "BP-JWT-04", format!("the key store has no certificate {alias}"));
        };
        let now = Timestamp::now();
        let seen = certificate.report(now, warning);
        match certificate.standing(now, warning) {
            Standing::Good => {
                let day = certificate.not_after.strftime("%Y-%m-%d");
                Finding::ok("certificate", "BP-JWT-04", format!("{alias} is good until {day}"))
            }
            Standing::EndsSoon => Finding::caused(
                "certificate",
                Severity::Warning,
                "BP-JWT-04",
                seen.unwrap_or_default(),
                Some(Cause::Jwt),
            ),
            Standing::Expired => Finding::problem_of("certificate", "BP-JWT-04", seen.unwrap_or_default(), Cause::Jwt),
        }
    };
    on_jwt.iter().map(finding).collect()
}

/// Looks at the Brand Portal cloud configurations: how many tenants, by which way, with which IMS configuration.
pub(super) async fn cloud(session: &Session, case: &CloudState) -> Vec<Finding> {
    let all = match &case.clouds {
        Ok(all) => all,
        Err(problem) => return vec![Finding::of(CLOUD, "BP-CLD-02", problem)],
    };
    if all.is_empty() {
        return vec![Finding::problem(CLOUD, "BP-CLD-01", "the Author has no Brand Portal cloud configuration")];
    }
    let mut findings = vec![tenants(session, all)];
    // Those of other tenants are a finding of their own.
    let ours = agents::tenant_url(session).ok();
    let at = all.iter().position(|cloud| cloud.configuration.tenant() == ours.as_deref()).unwrap_or_default();
    if let Some(cloud) = all.get(at) {
        findings.push(way(session, cloud).boxed().await);
        let title = cloud_configuration::judge_title(&cloud.configuration);
        findings.extend(title.err().map(|problem| Finding::of(CLOUD, "BP-CLD-02", &problem)));
        findings.extend(alias(session, &cloud.configuration).filter(|_| case.tenant_is_named));
    }
    if ours.is_some()
        && let Err(problem) = tenants::judge_foreign_agents(session).boxed().await
    {
        findings.push(Finding::of(CLOUD, "BP-CLD-03", &problem));
    }
    findings.push(tenant(session).boxed().await);
    findings
}

fn tenants(session: &Session, all: &[Cloud]) -> Finding {
    let all: Vec<&CloudConfiguration> = all.iter().map(|cloud| &cloud.configuration).collect();
    let paths: Vec<&str> = all.iter().map(|it| it.path.as_str()).collect();
    let tenants: BTreeSet<&str> = all.iter().filter_map(|it| it.tenant()).collect();
    let names: Vec<&str> = tenants.into_iter().collect();
    let [tenant] = names[..] else {
        let seen = format!("{} cloud configurations for {} tenants: {}", paths.len(), names.len(), paths.join(", "));
        return match paths[..] {
            [path] => Finding::problem(CLOUD, "BP-CLD-02", format!("{path} has no Service URL")),
            _ => Finding::problem(CLOUD, "BP-CLD-03", seen),
        };
    };
    if let Err(problem) = agents::tenant_url(session).and_then(|url| tenants::judge_configurations(&all, &url)) {
        return Finding::of(CLOUD, "BP-CLD-03", &problem);
    }
    Finding::ok(CLOUD, "BP-CLD-03", format!("{} for {tenant}", paths.join(" and ")))
}

/// By which way a configuration gets its tokens, and whether the IMS configuration that it names is there.
async fn way(session: &Session, Cloud { configuration, on_gateway }: &Cloud) -> Finding {
    if *on_gateway {
        let seen = format!("{} is on the legacy OAuth gateway; leave it as it is while it works", configuration.path);
        return Finding::new(CLOUD, Severity::Info, "BP-GTW-01", seen);
    }
    let Some(pid) = configuration.ims_configuration.as_deref() else {
        return Finding::problem(CLOUD, "BP-CLD-02", format!("{} names no IMS configuration", configuration.path));
    };
    let used = match ims_configurations::storage(session).await {
        Ok(storage) => storage.providers.into_iter().find(|provider| provider.is(pid)),
        Err(problem) => return Finding::of(CLOUD, "BP-CLD-02", &problem),
    };
    match used.map(|used| used.judge_solution(session)) {
        Some(Ok(())) => Finding::ok(
            CLOUD,
            "BP-CLD-02",
            format!("{} gets its tokens from an IMS configuration that is there", configuration.path),
        ),
        Some(Err(problem)) => Finding::of(CLOUD, "BP-CLD-02", &problem),
        None => {
            let seen = format!("{} names the IMS configuration {pid}, which is not there", configuration.path);
            Finding::problem(CLOUD, "BP-CLD-02", seen)
        }
    }
}

/// A Service URL that is not the tenant's that was named: an alias, or another tenant.
fn alias(session: &Session, configuration: &CloudConfiguration) -> Option<Finding> {
    let named = session.stack.tenant.as_ref()?.as_str().trim_end_matches('/');
    let used = configuration.tenant().filter(|used| *used != named)?;
    let seen = format!("the Service URL of {} is {used}, not {named}: an alias or another tenant", configuration.path);
    Some(Finding::problem_of(CLOUD, "BP-CLD-02", seen, Cause::TenantAddress))
}

async fn tenant(session: &Session) -> Finding {
    if session.stack.tenant.is_none() {
        return Finding::of("tenant", "BP-PRE-04", &Problem::skipped("no tenant is known: say --tenant-url URL"));
    }
    match session.send(Call::to("tenant.home")).await {
        Ok(reply) => match judge_home(session.surface("tenant.home"), &reply) {
            Ok(()) => Finding::ok("tenant", "BP-PRE-04", format!("{} answers from here", reply.url)),
            Err(problem) => Finding::of("tenant", "BP-PRE-04", &problem),
        },
        // The tenant may be reachable from the Author even if it is not from here.
        Err(problem) => Finding::new("tenant", Severity::Info, "BP-PRE-04", format!("from here: {}", problem.reason)),
    }
}
