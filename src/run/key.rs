//! The key of a scenario.

use std::path::PathBuf;

use cucumber::gherkin::{Feature, Scenario};

/// The key of a scenario: its file and its line.
pub(crate) type ScenarioKey = (PathBuf, usize);

/// The key of a scenario of a feature.
pub(crate) fn key(feature: &Feature, scenario: &Scenario) -> ScenarioKey {
    (feature.path.clone().unwrap_or_default(), scenario.position.line)
}
