//! One plan on several machines. A scenario's id alone determines its shard, so that adding or removing a scenario moves
//! no other.

use std::str::FromStr;

use crate::record::ShardRecord;
use crate::surroundings::sha256;

/// One shard of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// The number of the shard, from 1.
    pub index: u32,
    /// The number of shards.
    pub count: u32,
}

/// A CI system that runs a job several times: its variables for the index and the count, and the index of the first.
struct ShardingSystem {
    name: &'static str,
    index: &'static str,
    count: &'static str,
    first: u32,
}

const SYSTEMS: [ShardingSystem; 4] = [
    ShardingSystem { name: "GitLab CI", index: "CI_NODE_INDEX", count: "CI_NODE_TOTAL", first: 1 },
    ShardingSystem { name: "CircleCI", index: "CIRCLE_NODE_INDEX", count: "CIRCLE_NODE_TOTAL", first: 0 },
    ShardingSystem {
        name: "Buildkite",
        index: "BUILDKITE_PARALLEL_JOB",
        count: "BUILDKITE_PARALLEL_JOB_COUNT",
        first: 0,
    },
    // Kubernetes sets only the index in a Pod; the count comes from the Job's manifest.
    ShardingSystem { name: "Kubernetes", index: "JOB_COMPLETION_INDEX", count: "JOB_COMPLETIONS", first: 0 },
];

impl Shard {
    /// The shard of that index, from 1.
    pub fn new(index: u32, count: u32) -> Result<Self, String> {
        if count == 0 || index == 0 || index > count {
            return Err(format!(
                "shard {index} of {count} does not exist; the first is 1/{}, the last {0}/{0}",
                count.max(1)
            ));
        }
        Ok(Self { index, count })
    }

    /// The shard according to the variables of the CI system; none if the job is not split.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, String> {
        for system in &SYSTEMS {
            let number = |name: &str| {
                let Some(text) = variable(name).filter(|text| !text.is_empty()) else { return Ok(None) };
                let number = text.parse::<u32>().map(Some);
                number.map_err(|_| format!("{name}: {} sets `{text}`, which is not a number", system.name))
            };
            let (index, count) = (number(system.index)?, number(system.count)?);
            // GitLab always sets the count, and the index only if there are several.
            if index.is_some() && count.is_none() {
                return Err(format!(
                    "{} sets the index of this shard; set {} to the number of shards",
                    system.name, system.count
                ));
            }
            if let (Some(index), Some(count)) = (index, count) {
                let shard = Self::new(index.saturating_add(1).saturating_sub(system.first), count);
                return shard.map(Some).map_err(|problem| format!("{}: {problem}", system.index));
            }
        }
        Ok(None)
    }

    /// Whether the scenario with that id belongs to this shard.
    pub fn takes(self, id: &str) -> bool {
        // The first 64 bits of a SHA-256 are the same on all machines, versions and platforms.
        let hash = u64::from_str_radix(&sha256(id.as_bytes())[..16], 16).unwrap_or_default();
        hash % u64::from(self.count) == u64::from(self.index - 1)
    }

    /// The entry for the record; `ids` are those of the whole plan.
    pub fn record<'a>(self, ids: impl IntoIterator<Item = &'a str>) -> ShardRecord {
        let (scenarios, plan_sha256) = fingerprint(ids);
        ShardRecord { index: self.index, count: self.count, scenarios, plan_sha256 }
    }
}

/// The number of scenarios of a plan, and the hash over their ids, which identifies the plan.
pub fn fingerprint<'a>(ids: impl IntoIterator<Item = &'a str>) -> (usize, String) {
    let mut ids: Vec<&str> = ids.into_iter().collect();
    ids.sort_unstable();
    (ids.len(), sha256(ids.join("\n").as_bytes()))
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        let (index, count) = numbers.ok_or("write it like 2/5: the second of five")?;
        Self::new(index, count)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_scenario_belongs_to_exactly_one_shard(id in ".{0,40}", count in 1u32..40) {
            let takes = |index| Shard::new(index, count).expect("it is one of them").takes(&id);
            prop_assert_eq!((1..=count).filter(|index| takes(*index)).count(), 1);
        }
    }

    #[test]
    fn shards_are_about_equal() {
        let shard = Shard::new(3, 4).expect("a shard");
        let taken = (0..4000).filter(|n| shard.takes(&format!("05-replication-agents/scenario-{n}"))).count();
        assert!((900..1100).contains(&taken), "{taken}");
    }

    #[test]
    fn a_shard_is_written_as_a_person_counts() {
        assert_eq!("2/5".parse(), Ok(Shard { index: 2, count: 5 }));
        for wrong in ["0/5", "6/5", "1/0", "2", "a/b", "-1/2", "1/2/3", ""] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }

    fn shard_from(variables: &[(&str, &str)]) -> Result<Option<Shard>, String> {
        let variables: BTreeMap<_, _> = variables.iter().copied().collect();
        Shard::from_environment(|name| variables.get(name).map(|value| (*value).to_owned()))
    }

    #[test]
    fn each_system_counts_in_its_own_way() {
        let first = Ok(Some(Shard { index: 1, count: 3 }));
        assert_eq!(shard_from(&[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "3")]), first);
        assert_eq!(shard_from(&[("CIRCLE_NODE_INDEX", "0"), ("CIRCLE_NODE_TOTAL", "3")]), first);
        assert_eq!(shard_from(&[("BUILDKITE_PARALLEL_JOB", "0"), ("BUILDKITE_PARALLEL_JOB_COUNT", "3")]), first);
        assert_eq!(shard_from(&[("JOB_COMPLETION_INDEX", "0"), ("JOB_COMPLETIONS", "3")]), first);
    }

    #[test]
    fn a_job_that_is_not_shared_out_has_no_shard_and_a_wrong_one_is_refused() {
        assert_eq!(shard_from(&[]), Ok(None));
        assert_eq!(shard_from(&[("CI_NODE_TOTAL", "1")]), Ok(None));
        assert!(shard_from(&[("CI_NODE_INDEX", "4"), ("CI_NODE_TOTAL", "3")]).is_err());
        assert!(shard_from(&[("CI_NODE_INDEX", "x"), ("CI_NODE_TOTAL", "3")]).is_err());
        assert!(shard_from(&[("JOB_COMPLETION_INDEX", "4294967295"), ("JOB_COMPLETIONS", "3")]).is_err());
        let problem = shard_from(&[("JOB_COMPLETION_INDEX", "0")]).expect_err("the count is missing");
        assert!(problem.contains("set JOB_COMPLETIONS"), "{problem}");
    }
}
