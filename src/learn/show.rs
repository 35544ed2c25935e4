//! `bpconform surface show`: each endpoint, how well it is known, and where that is known from.

use std::fmt::Write as _;

use bpconform_fixtures::surfaces::Class;
use bpconform_fixtures::{Allow, Evidence, Surface, Surfaces};

use crate::cli::surface::{ShowArgs, SurfaceFormat};
use crate::error::Error;

/// The endpoints that are asked for; an id that none has is an error.
pub fn print(surfaces: &Surfaces, arguments: &ShowArgs) -> Result<String, Error> {
    if let Some(id) = arguments.ids.iter().find(|id| !surfaces.iter().any(|surface| surface.id.starts_with(*id))) {
        let hint = surfaces.nearest(id).map_or_else(String::new, |near| format!("; did you mean {near}?"));
        return Err(Error::Usage(format!("no endpoint has the id {id}{hint}")));
    }
    let chosen = surfaces.iter().filter(|surface| {
        let asked = arguments.ids.is_empty() || arguments.ids.iter().any(|id| surface.id.starts_with(id));
        let known = arguments.evidence.iter().any(|known| Evidence::from(*known) == surface.evidence);
        asked && (known || arguments.evidence.is_empty())
    });
    let chosen = Surfaces::of(&surfaces.name, chosen.cloned());
    match arguments.format {
        SurfaceFormat::Text => Ok(text(&chosen)),
        SurfaceFormat::Json => json(&chosen),
        SurfaceFormat::Toml => toml(&chosen),
        SurfaceFormat::Markdown => Ok(markdown(&chosen)),
    }
}

fn text(surfaces: &Surfaces) -> String {
    let mut text = String::new();
    let width = surfaces.iter().map(|surface| surface.id.len()).max().unwrap_or(0);
    for surface in surfaces.iter() {
        let Surface { id, method, path, source, .. } = surface;
        let evidence = evidence(surface.evidence);
        let _ = writeln!(text, "{id:width$}  {evidence:8}  {:6}  {method} {path}", class(surface.class));
        for alternative in &surface.alternatives {
            let _ = writeln!(text, "{:width$}  {:8}  {:6}  or {alternative}", "", "", "");
        }
        let _ = writeln!(text, "{:width$}  {source}", "");
    }
    let count = |wanted| surfaces.iter().filter(|surface| surface.evidence == wanted).count();
    let all = [Evidence::Verified, Evidence::Inferred, Evidence::Learned, Evidence::Unknown];
    let counts = all.map(|it| format!("{} {}", count(it), evidence(it)));
    let _ = writeln!(text, "{} endpoints of {}: {}", surfaces.iter().count(), surfaces.name, counts.join(", "));
    text
}

const fn evidence(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Verified => "verified",
        Evidence::Inferred => "inferred",
        Evidence::Learned => "learned",
        Evidence::Unknown => "unknown",
    }
}

const fn class(class: Class) -> &'static str {
    match class {
        Class::Read => "read",
        Class::Probe => "probe",
        Class::Change => "change",
    }
}

/// The requests that each permission level adds, without those that only mocks answer.
fn markdown(surfaces: &Surfaces) -> String {
    let mut text = String::new();
    for level in Allow::ALL {
        let added = |surface: &&Surface| surface.class.needs() == level && !surface.is_mocks_own();
        let rows: String = surfaces.iter().filter(added).map(row).collect();
        let heading = match level {
            Allow::Observe => "Reads, at every level",
            Allow::Probe => "With `--allow probe`, also",
            Allow::Change => "With `--allow change`, also",
        };
        let _ = write!(text, "## {heading}\n\n| system | request | evidence |\n|---|---|---|\n{rows}\n");
    }
    text
}

fn row(surface: &Surface) -> String {
    let query: Vec<String> = surface.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let known = match surface.evidence {
        // The path of an unknown endpoint is only a placeholder of the mocks, so it would mislead.
        Evidence::Unknown => {
            return format!("| {} | `{}`: unknown, not sent | unknown |\n", surface.system.name(), surface.id);
        }
        known => evidence(known),
    };
    let paths = std::iter::once(&surface.path).chain(&surface.alternatives);
    let paths: Vec<String> = paths.map(|path| format!("`{} {path}{query}`", surface.method)).collect();
    format!("| {} | {} | {known} |\n", surface.system.name(), paths.join(" or "))
}

fn json(surfaces: &Surfaces) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(surfaces).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(text + "\n")
}

/// The endpoints as a file that `--surfaces` takes.
pub fn toml(surfaces: &Surfaces) -> Result<String, Error> {
    ::toml::to_string_pretty(surfaces).map_err(|error| Error::Internal(error.to_string()))
}
