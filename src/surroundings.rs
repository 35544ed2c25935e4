//! The environment of a run: the machine, and the CI system as far as its variables reveal it.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::record::Surroundings;

/// A CI system: the variable that it always sets, and the variables for job, branch and commit.
struct CiSystem {
    name: &'static str,
    sign: &'static str,
    job: &'static str,
    branch: &'static str,
    commit: &'static str,
}

const SYSTEMS: [CiSystem; 5] = [
    CiSystem {
        name: "github-actions",
        sign: "GITHUB_ACTIONS",
        job: "GITHUB_RUN_ID",
        branch: "GITHUB_REF_NAME",
        commit: "GITHUB_SHA",
    },
    CiSystem {
        name: "gitlab-ci",
        sign: "GITLAB_CI",
        job: "CI_JOB_URL",
        branch: "CI_COMMIT_REF_NAME",
        commit: "CI_COMMIT_SHA",
    },
    CiSystem { name: "jenkins", sign: "JENKINS_URL", job: "BUILD_URL", branch: "GIT_BRANCH", commit: "GIT_COMMIT" },
    CiSystem {
        name: "circleci",
        sign: "CIRCLECI",
        job: "CIRCLE_BUILD_URL",
        branch: "CIRCLE_BRANCH",
        commit: "CIRCLE_SHA1",
    },
    CiSystem {
        name: "buildkite",
        sign: "BUILDKITE",
        job: "BUILDKITE_BUILD_URL",
        branch: "BUILDKITE_BRANCH",
        commit: "BUILDKITE_COMMIT",
    },
];

/// The environment of this process.
pub fn of_this_process() -> Surroundings {
    let platform = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    Surroundings { name: None, platform, ci: ci_system(|name| std::env::var(name).ok()) }
}

/// The host name of this machine.
pub fn host_name() -> String {
    #[cfg(unix)]
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    name
}

fn ci_system(variable: impl Fn(&str) -> Option<String>) -> BTreeMap<String, String> {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    let Some(system) = SYSTEMS.iter().find(|system| variable(system.sign).is_some()) else { return BTreeMap::new() };
    let found = [("job", system.job), ("branch", system.branch), ("commit", system.commit)];
    let found = found.into_iter().filter_map(|(what, name)| Some((what.to_owned(), variable(name)?)));
    found.chain([("system".to_owned(), system.name.to_owned())]).collect()
}

/// The SHA-256 of a value as JSON, in hex; none when it cannot be written as JSON.
pub fn sha256_of(value: &impl Serialize) -> Option<String> {
    Some(sha256(&serde_json::to_vec(value).ok()?))
}

/// The SHA-256 of some bytes, in hex.
pub fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_job_is_found_in_the_variables_of_its_system() {
        let set = BTreeMap::from([("GITLAB_CI", "true"), ("CI_JOB_URL", "https://ci.example/1"), ("GIT_COMMIT", "x")]);
        let found = ci_system(|name| set.get(name).map(|value| (*value).to_owned()));
        assert_eq!(
            found,
            BTreeMap::from(
                [("job", "https://ci.example/1"), ("system", "gitlab-ci")].map(|(a, b)| (a.into(), b.into()))
            )
        );
        assert!(ci_system(|_| None).is_empty());
    }

    #[test]
    fn hex_is_what_sha256sum_prints() {
        assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
