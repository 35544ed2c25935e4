//! Conditions of the exit code other than the verdicts: the level of a requirement, how much was proved, and how long
//! requests took.

use bpconform_fixtures::Requirements;
use bpconform_fixtures::requirements::Level;

use crate::record::{GateRecord, Record, ScenarioRecord, SlowRecord};
use crate::text::json;
use crate::verdict::Verdict;

impl GateRecord {
    /// Whether no condition was set.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the verdict of a scenario counts for the exit code. A user's scenario without a requirement does.
    pub fn counts(&self, scenario: &ScenarioRecord) -> bool {
        self.counts_for(&scenario.requirements)
    }

    /// Whether the verdict of a scenario for these requirements counts.
    pub fn counts_for(&self, requirements: &[String]) -> bool {
        let must = |id: &String| Requirements::built_in().get(id).is_none_or(|known| known.level == Level::Must);
        !self.only_must || requirements.is_empty() || requirements.iter().any(must)
    }

    /// The required proofs that are missing.
    pub fn missing(&self, record: &Record) -> Vec<String> {
        let is_proved =
            |id: &String| record.requirements.iter().any(|found| found.id == *id && found.verdict == Verdict::Passed);
        let mut missing: Vec<String> = self.require_proved.iter().filter(|id| !is_proved(id)).cloned().collect();
        let proved = record.proved();
        if proved < self.require_count {
            missing.push(format!("{} more requirements", self.require_count - proved));
        }
        missing
    }

    /// Whether a request of a scenario exceeded its time limit.
    pub fn is_slow(&self, scenario: &ScenarioRecord) -> bool {
        !self.slow(std::slice::from_ref(scenario)).is_empty()
    }

    /// The slowest request to each endpoint whose time limit was exceeded.
    pub fn slow(&self, scenarios: &[ScenarioRecord]) -> Vec<SlowRecord> {
        let of_endpoint = |(endpoint, limit_ms): (&String, &u64)| {
            let sent = scenarios.iter().flat_map(|scenario| {
                let exchanges = scenario.steps.iter().flat_map(|step| &step.exchanges).chain(&scenario.exchanges);
                exchanges.filter(|one| one.surface == *endpoint).map(move |one| (one.took_us / 1000, &scenario.id))
            });
            let (took_ms, scenario) = sent.filter(|(took_ms, _)| took_ms > limit_ms).max()?;
            let endpoint = endpoint.clone();
            Some(SlowRecord { endpoint, scenario: scenario.clone(), took_ms, limit_ms: *limit_ms })
        };
        self.max_duration_ms.iter().filter_map(of_endpoint).collect()
    }
}

impl Record {
    /// The target of a record, as a text for comparison. The address of a container is left out, since it is new each time.
    pub fn about(&self) -> String {
        let target = &self.target;
        let place = if target.image.is_some() { json(&target.image) } else { json(&target.addresses) };
        json(&(&target.kind, &target.mocks, place, target.insecure, &self.environment.name))
    }

    /// How many requirements were proved.
    pub fn proved(&self) -> usize {
        self.requirements.iter().filter(|found| found.verdict == Verdict::Passed).count()
    }

    /// The outcome in words. It is `conforms` only if every requirement was proved.
    pub fn result(&self) -> String {
        use crate::record::RunOutcome::{Conforms, NothingProved};
        let applicable = self.requirements.iter().filter(|found| found.verdict != Verdict::NotApplicable);
        let (proved, all) = (self.proved(), applicable.count());
        let coverage = format!("{proved} of {all} proved");
        let deviates = self.scenarios.iter().any(|one| matches!(one.verdict, Verdict::Failed | Verdict::Error));
        match self.outcome {
            Conforms if proved == all => self.outcome.exit().meaning().to_owned(),
            Conforms if deviates && self.plan.gate.only_must => format!("no deviation from a must found, {coverage}"),
            Conforms => format!("no deviation found, {coverage}"),
            NothingProved if proved > 0 => {
                format!("{coverage}, less than required; missing: {}", self.plan.gate.missing(self).join(", "))
            }
            NothingProved => "nothing was proved".to_owned(),
            other => other.exit().meaning().to_owned(),
        }
    }
}

impl SlowRecord {
    /// The warning in one line.
    pub fn text(&self) -> String {
        #[expect(clippy::cast_precision_loss, reason = "a duration in milliseconds fits into 53 bits")]
        let seconds = |ms: u64| ms as f64 / 1000.0;
        let (took, limit) = (seconds(self.took_ms), seconds(self.limit_ms));
        format!("slow: {} took {took} s, longer than {limit} s ({})", self.endpoint, self.scenario)
    }
}
