//! The status pages of an Author: login page, version, bundles, health, error log (surfaces.md §5.4, §5.5, §4.3).

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::json;

use super::seed::{AuthorSeed, Bundle, BundleState, Health, HealthStatus, Package};
use super::{Author, escape, html, plain};
use crate::machine::{Form, Response};

/// The maximum number of lines in the error log.
const MOST_LINES: usize = 1000;

/// The default of the maximum number of nodes in a JSON answer. That of a real Author is lower, but the documented
/// `/etc/replication/agents.author.-1.json` works there as well.
const MOST_NODES: usize = 10_000;

/// The product: version, bundles, packages, health checks and error log.
#[derive(Debug)]
pub(crate) struct Product {
    /// For example `6.5.21.0`.
    pub(crate) version: String,
    /// The maximum number of nodes in a JSON answer.
    pub(super) json_maximum_results: usize,
    pub(super) packages: Vec<Package>,
    run_modes: Vec<String>,
    pub(super) bundles: Vec<Bundle>,
    health: Vec<Health>,
    error_log: VecDeque<String>,
}

impl Product {
    pub(super) fn new(seed: AuthorSeed) -> Self {
        Self {
            version: seed.version.unwrap_or_default(),
            json_maximum_results: seed.json_maximum_results.unwrap_or(MOST_NODES),
            packages: seed.packages,
            run_modes: seed.run_modes.unwrap_or_default(),
            bundles: seed.bundles,
            health: seed.health,
            error_log: seed.error_log.into(),
        }
    }

    /// Writes a line to the error log in AEM's format; the oldest lines are dropped.
    pub(crate) fn log(&mut self, now: Timestamp, level: &str, logger: &str, message: &str) {
        let time = now.strftime("%d.%m.%Y %H:%M:%S%.3f");
        self.error_log.push_back(format!("{time} *{level}* [sling-default] {logger} {message}"));
        while self.error_log.len() > MOST_LINES {
            self.error_log.pop_front();
        }
    }

    /// The newest lines of the error log, the only log of the mock.
    pub(super) fn tail(&self, form: &Form) -> Response {
        let name = form.get("name").unwrap_or_default();
        if !name.ends_with("error.log") {
            return Response { status: 200, ..Response::default() }
                .with_body(format!("No appender with name [{name}] found"));
        }
        let wanted = form.get("tail").and_then(|tail| tail.parse().ok()).unwrap_or(MOST_LINES);
        let text = form.get("grep").filter(|text| *text != "*").unwrap_or_default().to_lowercase();
        if text.contains(['*', '?', '[', '(', '{', '|', '\\', '^', '$', '+']) {
            return plain(
                400,
                &format!("The mock looks for a text in the log by grep, not for the pattern `{text}`\n"),
            );
        }
        let found: Vec<_> = self.error_log.iter().filter(|line| line.to_lowercase().contains(&text)).collect();
        let skip = found.len().saturating_sub(wanted);
        let lines: Vec<_> = found.into_iter().skip(skip).map(String::as_str).chain([""]).collect();
        plain(200, &lines.join("\n"))
    }

    /// Felix's list of bundles.
    pub(super) fn bundles(&self) -> Response {
        let (status, counts) = self.bundle_counts();
        let data: Vec<_> = self.bundles.iter().enumerate().map(|(id, bundle)| describe(id, bundle)).collect();
        Response::json(200, &json!({ "status": status, "s": counts, "data": data }))
    }

    /// How many bundles are in which state, as a sentence and as numbers.
    pub(super) fn bundle_counts(&self) -> (String, [usize; 5]) {
        let count = |state| self.bundles.iter().filter(|bundle| bundle.state == state).count();
        let [active, fragments, resolved, installed] =
            [BundleState::Active, BundleState::Fragment, BundleState::Resolved, BundleState::Installed].map(count);
        let total = self.bundles.len();
        let status = if active + fragments == total {
            format!("Bundle information: {total} bundles in total - all {total} bundles active.")
        } else {
            format!(
                "Bundle information: {total} bundles in total, {active} active, {fragments} active fragments, \
                 {resolved} resolved, {installed} installed."
            )
        };
        (status, [total, active, fragments, resolved, installed])
    }

    /// The results of the health checks, filtered by `tags`, as JSON, text or a page; `httpStatus` maps the worst result to a
    /// status, as in `CRITICAL:503`.
    pub(super) fn health(&self, now: Timestamp, form: &Form, format: &str) -> Response {
        let chosen = match self.chosen_health(form) {
            Ok(chosen) => chosen,
            Err(problem) => return plain(400, &format!("The mock cannot choose health checks: {problem}\n")),
        };
        let worst = chosen.iter().map(|health| health.status).max().unwrap_or(HealthStatus::Ok);
        let results: Vec<_> = chosen
            .iter()
            .map(|health| {
                let messages: Vec<_> = health
                    .messages
                    .iter()
                    .map(|message| json!({ "status": health.status.word(), "message": message }))
                    .collect();
                json!({
                    "name": health.name, "status": health.status.word(), "timeInMs": 0,
                    "finishedAt": now.strftime("%Y-%m-%dT%H:%M:%S").to_string(), "tags": health.tags,
                    "messages": messages,
                })
            })
            .collect();
        let status = form.get("httpStatus").map_or_else(|| default_status(worst), |map| mapped_status(map, worst));
        let response = match form.get("format").unwrap_or(format) {
            "json" => Response::json(status, &json!({ "overallResult": worst.word(), "results": results })),
            "txt" => plain(status, worst.word()),
            "html" => health_page(status, worst, &chosen),
            other => {
                return plain(404, &format!("The mock has no health results as `{other}`: read /system/health.json\n"));
            }
        };
        response.with_header("x-health", worst.word())
    }

    /// The health checks that have one of `tags`, or one of `names`; `-tag` leaves those out that have it. Without any, all.
    fn chosen_health(&self, form: &Form) -> Result<Vec<&Health>, String> {
        let list = |name: &str| {
            form.all(name).iter().flat_map(|all| all.split(',')).map(str::trim).filter(|one| !one.is_empty())
        };
        let (without, tags): (Vec<_>, Vec<_>) = list("tags").partition(|tag| tag.starts_with('-'));
        let names: Vec<_> = list("names").collect();
        let every = form.get("combineTagsWithOr").is_some_and(|flag| flag.eq_ignore_ascii_case("false"));
        let all = without.iter().chain(&tags).chain(&names);
        if let Some(pattern) = all.into_iter().find(|one| one.contains(['*', '?'])) {
            return Err(format!("it reads no pattern such as `{pattern}`"));
        }
        if names.iter().any(|name| name.starts_with('-')) || (!names.is_empty() && !tags.is_empty()) {
            return Err("it reads either tags or names, and a minus only before a tag".to_owned());
        }
        let has = |health: &Health, tag: &str| health.tags.iter().any(|has| has == tag);
        let fits = |health: &&Health| {
            let of_tags = if every {
                tags.iter().all(|tag| has(health, tag))
            } else {
                tags.is_empty() || tags.iter().any(|tag| has(health, tag))
            };
            let of_names = names.is_empty() || names.iter().any(|name| *name == health.name);
            of_tags && of_names && !without.iter().any(|tag| has(health, &tag[1..]))
        };
        Ok(self.health.iter().filter(fits).collect())
    }

    /// The configuration printer of the product information, as text.
    pub(super) fn product_info(&self) -> Response {
        plain(200, &(self.product_lines().join("\n") + "\n"))
    }

    /// The export of the system overview.
    pub(super) fn system_overview(&self) -> Response {
        let check = |wanted| self.health.iter().filter(|health| health.status == wanted).count();
        Response::json(
            200,
            &json!({
                "Instance": {
                    "Adobe Experience Manager": self.version,
                    "Run Modes": self.run_modes.join(", "),
                },
                "Health Checks": {
                    "Critical": check(HealthStatus::Critical), "Warn": check(HealthStatus::Warn),
                },
            }),
        )
    }

    /// Sling's settings, as a list of lines.
    pub(super) fn sling_settings(&self) -> Response {
        Response::json(200, &json!(self.sling_settings_lines()))
    }

    pub(super) fn sling_settings_lines(&self) -> Vec<String> {
        let run_modes = format!("Run Modes = [{}]", self.run_modes.join(", "));
        ["Apache Sling Settings", "", "Sling Name = Instance"]
            .map(str::to_owned)
            .into_iter()
            .chain([run_modes])
            .collect()
    }
}

/// The results as a page.
fn health_page(status: u16, worst: HealthStatus, chosen: &[&Health]) -> Response {
    let row = |health: &&Health| {
        let [name, tags, messages] =
            [health.name.clone(), health.tags.join(", "), health.messages.join("\n")].map(|text| escape(&text));
        let word = health.status.word();
        format!("<tr class=\"status{word}\"><td>{name} ({tags})</td><td>{word}</td><td>{messages}</td></tr>\n")
    };
    let rows: String = chosen.iter().map(row).collect();
    let word = worst.word();
    html(
        status,
        &format!(
            "<html><head><title>System Health</title></head><body><h1>System Health</h1>\n\
             <p><span class=\"status{word}\"><strong>Overall Result: {word}</strong></span></p>\n\
             <table id=\"healthCheckResults\"><tbody>\n{rows}</tbody></table>\n</body></html>\n"
        ),
    )
}

pub(super) fn describe(id: usize, bundle: &Bundle) -> serde_json::Value {
    let (state, raw) = match bundle.state {
        BundleState::Active => ("Active", 32),
        BundleState::Resolved => ("Resolved", 4),
        BundleState::Fragment => ("Fragment", 4),
        BundleState::Installed => ("Installed", 2),
    };
    json!({
        "id": id, "name": bundle.name, "fragment": bundle.state == BundleState::Fragment, "stateRaw": raw,
        "state": state, "version": bundle.version, "symbolicName": bundle.symbolic_name, "category": "",
    })
}

const fn default_status(worst: HealthStatus) -> u16 {
    match worst {
        HealthStatus::Ok | HealthStatus::Warn => 200,
        HealthStatus::TemporarilyUnavailable | HealthStatus::Critical => 503,
        HealthStatus::HealthCheckError => 500,
    }
}

/// The status for the worst result, or for the next worse one in the mapping.
fn mapped_status(mapping: &str, worst: HealthStatus) -> u16 {
    use HealthStatus::{Critical, HealthCheckError, Ok, TemporarilyUnavailable, Warn};
    let entries = mapping.split(',').filter_map(|entry| {
        let (word, status) = entry.trim().split_once(':')?;
        let all = [Ok, Warn, TemporarilyUnavailable, Critical, HealthCheckError];
        let named = all.into_iter().find(|known| known.word() == word)?;
        let status: u16 = status.parse().ok().filter(|status| (200..600).contains(status))?;
        (named <= worst).then_some((named, status))
    });
    entries.max().map_or(200, |(_, status)| status)
}

impl Author {
    /// The login page with its form, and why the last attempt failed.
    pub(super) fn login_page(&self, form: &Form) -> Response {
        let login = self.surfaces.get("author.login");
        let ready = self.surfaces.get("author.login-page").phrase("ready");
        let reason = match form.get("j_reason") {
            Some("invalid_login") => "<p role=\"alert\">User name and password do not match.</p>\n",
            Some(_) => "<p role=\"alert\">Sign in again.</p>\n",
            None => "",
        };
        let resource = form.get(login.field("resource")).map_or_else(String::new, |resource| {
            format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", login.field("resource"), escape(resource))
        });
        html(
            200,
            &format!(
                "<!DOCTYPE html>\n<html lang=\"en\"><head><title>AEM Sign In</title></head>\n\
                 <body class=\"coral--light\"><!-- {ready} -->\n{reason}<form method=\"post\" action=\"{action}\">\n\
                 {resource}<label>User name <input name=\"{user}\" autocomplete=\"username\"></label>\n\
                 <label>Password <input type=\"password\" name=\"{password}\"></label>\n\
                 <button type=\"submit\">Sign In</button></form></body></html>\n",
                action = login.path,
                user = login.field("user"),
                password = login.field("password"),
            ),
        )
    }
}
