//! `bpconform selftest --pairs`: the proof that every defect is found on installations that differ in harmless ways. Each
//! pair of a defect and a variation with an effect on the same scenario must turn exactly the requirements red that the
//! defect breaks.
//!
//! A scenario runs with the pair only if both could have an effect in it. In any other scenario the result is known from
//! the run with the defect or the variation alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use bpconform_fixtures::{Defect, Variation};
use serde::Serialize;

use crate::cli::values::Pairs;
use crate::commands::selftest::engine::{Alone, Bench, Installation, Touched, at_once};
use crate::commands::selftest::matrix::{DefectFate, RedScenario, list};
use crate::error::Error;
use crate::run::key::ScenarioKey;

/// One pair that was not killed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PairRow {
    /// The defect's id.
    pub defect: String,
    /// The variation's id.
    pub variation: String,
    /// The result.
    pub verdict: DefectFate,
    /// The requirements that the defect breaks.
    pub expected: BTreeSet<String>,
    /// The requirements that turned red.
    pub found: BTreeSet<String>,
    /// The scenarios that turned red.
    pub red: Vec<RedScenario>,
}

/// The results of all pairs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PairMatrix {
    /// The number of pairs with an effect on the same scenario.
    pub eligible: usize,
    /// The number of pairs that were run.
    pub pairs: usize,
    /// The random seed of the choice.
    pub random_seed: u64,
    /// The number of pairs of each variation that were run, by its id.
    pub by_variation: BTreeMap<String, usize>,
    /// The pairs that were not killed.
    pub wrong: Vec<PairRow>,
}

/// The defects and variations to combine, with the results of each alone.
pub(super) struct Combinations<'a> {
    pub(super) clean: &'a Touched,
    pub(super) defects: (&'a [Arc<Defect>], &'a [Alone]),
    pub(super) variations: (&'a [Arc<Variation>], &'a [Alone]),
}

/// Runs pairs of a defect and a variation.
pub(super) fn run(
    bench: &Bench<'_>,
    combinations: &Combinations<'_>,
    pairs: Pairs,
    random_seed: u64,
) -> Result<PairMatrix, Error> {
    let eligible = combinations.eligible();
    let chosen = choose(&eligible, pairs, random_seed);
    let rows = at_once(&chosen, |pair| combinations.run(bench, *pair))?;
    let variations = combinations.variations.0.iter();
    let mut by_variation: BTreeMap<String, usize> = variations.map(|variation| (variation.id.clone(), 0)).collect();
    for row in &rows {
        *by_variation.entry(row.variation.clone()).or_default() += 1;
    }
    Ok(PairMatrix {
        eligible: eligible.iter().map(Vec::len).sum(),
        pairs: rows.len(),
        random_seed,
        by_variation,
        wrong: rows.into_iter().filter(|row| row.verdict != DefectFate::Killed).collect(),
    })
}

impl Combinations<'_> {
    /// For each defect the variations that could have an effect in one of its scenarios.
    fn eligible(&self) -> Vec<Vec<usize>> {
        let variations = |defect: usize| {
            let id = &self.defects.0[defect].id;
            let all = (0..self.variations.0.len()).filter(|it| !self.variations.0[*it].takes_away.contains(id));
            all.filter(|variation| !self.scenarios((defect, *variation)).is_empty()).collect()
        };
        (0..self.defects.0.len()).map(variations).collect()
    }

    fn run(&self, bench: &Bench<'_>, pair: (usize, usize)) -> Result<PairRow, Error> {
        let (defect, variation) = (&self.defects.0[pair.0], &self.variations.0[pair.1]);
        let scenarios = self.scenarios(pair);
        let installation = Installation { defect: Some(Arc::clone(defect)), variation: Some(Arc::clone(variation)) };
        let red = bench.run(&scenarios, &installation, None)?;
        let others = self.defects.1[pair.0].red.iter().filter(|(key, _)| !scenarios.contains(key)).cloned();
        Ok(PairRow::new(defect, variation, red.into_iter().chain(others).map(|(_, red)| red).collect()))
    }

    /// The scenarios in which both could have an effect: one of them when nothing else is wrong, and the other one in the
    /// run of the first.
    fn scenarios(&self, (defect, variation): (usize, usize)) -> BTreeSet<ScenarioKey> {
        let (defect_id, variation_id) = (&self.defects.0[defect].id, &self.variations.0[variation].id);
        let both = |first: Option<&BTreeSet<ScenarioKey>>,
                    second: Option<&BTreeSet<ScenarioKey>>|
         -> Vec<ScenarioKey> {
            first.zip(second).map(|(first, second)| first.intersection(second).cloned().collect()).unwrap_or_default()
        };
        let of_defect = both(self.clean.get(defect_id), self.defects.1[defect].touched.get(variation_id));
        let of_variation = both(self.clean.get(variation_id), self.variations.1[variation].touched.get(defect_id));
        of_defect.into_iter().chain(of_variation).collect()
    }
}

/// Chooses pairs, the same number for each defect as far as possible.
fn choose(eligible: &[Vec<usize>], pairs: Pairs, random_seed: u64) -> Vec<(usize, usize)> {
    let mut random = fastrand::Rng::with_seed(random_seed);
    let mut shuffled = eligible.to_vec();
    shuffled.iter_mut().for_each(|variations| random.shuffle(variations));
    let limit = match pairs {
        Pairs::All => usize::MAX,
        Pairs::Sample(size) => size,
    };
    let longest = shuffled.iter().map(Vec::len).max().unwrap_or_default();
    let by_round = (0..longest).flat_map(|round| {
        shuffled.iter().enumerate().filter_map(move |(defect, variations)| Some((defect, *variations.get(round)?)))
    });
    let mut chosen: Vec<_> = by_round.take(limit).collect();
    chosen.sort_unstable();
    chosen
}

impl PairRow {
    fn new(defect: &Defect, variation: &Variation, red: Vec<RedScenario>) -> Self {
        let found: BTreeSet<_> = red.iter().flat_map(|red| red.requirements.iter().cloned()).collect();
        Self {
            defect: defect.id.clone(),
            variation: variation.id.clone(),
            verdict: DefectFate::of(defect, &found),
            expected: defect.breaks.clone(),
            found,
            red,
        }
    }
}

impl PairMatrix {
    /// Whether every pair was killed.
    pub fn holds(&self) -> bool {
        self.wrong.is_empty()
    }

    /// The matrix for a program.
    pub fn json(&self) -> Result<String, Error> {
        let json = serde_json::to_string_pretty(self).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(json + "\n")
    }

    /// The matrix for a person; the last line is a summary.
    pub fn text(&self) -> String {
        let width = self.by_variation.keys().map(String::len).max().unwrap_or_default().max(9);
        let mut text = format!("{:<width$}  pairs  killed\n", "variation");
        for (id, pairs) in &self.by_variation {
            let wrong = self.wrong.iter().filter(|row| row.variation == *id).count();
            let _ = writeln!(text, "{id:<width$}  {pairs:>5}  {:>6}", pairs - wrong);
        }
        self.wrong.iter().for_each(|row| row.explain(&mut text));
        let count = |fate| self.wrong.iter().filter(|row| row.verdict == fate).count();
        let Self { eligible, pairs, random_seed, wrong, .. } = self;
        let _ = writeln!(
            text,
            "\nselftest: {pairs} of {eligible} pairs (random seed {random_seed}), {} killed, {} survivors, {} collateral",
            pairs - wrong.len(),
            count(DefectFate::Survived),
            count(DefectFate::Collateral)
        );
        text
    }
}

impl PairRow {
    fn explain(&self, text: &mut String) {
        let missing: BTreeSet<_> = self.expected.difference(&self.found).cloned().collect();
        let more: BTreeSet<_> = self.found.difference(&self.expected).cloned().collect();
        let _ = writeln!(text, "\n{} with {}: {}", self.defect, self.variation, self.verdict.word());
        if !missing.is_empty() {
            let _ = writeln!(text, "  stayed green: {}", list(&missing));
        }
        if !more.is_empty() {
            let _ = writeln!(text, "  also turned red: {}", list(&more));
        }
        for red in self.red.iter().filter(|red| red.requirements.iter().any(|id| more.contains(id))) {
            let _ = writeln!(text, "  {} {}: {}", red.scenario, red.verdict, red.reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_spreads_over_the_defects_and_depends_on_the_random_seed() {
        let eligible = vec![(0..9).collect(), vec![3], Vec::new(), (0..9).collect()];
        let chosen = choose(&eligible, Pairs::Sample(5), 1);
        let of = |defect| chosen.iter().filter(|pair| pair.0 == defect).count();
        assert_eq!([of(0), of(1), of(2), of(3)], [2, 1, 0, 2]);
        assert_eq!(chosen, choose(&eligible, Pairs::Sample(5), 1));
        assert_ne!(chosen, choose(&eligible, Pairs::Sample(5), 2));
        assert_eq!(choose(&eligible, Pairs::All, 1).len(), 19);
    }
}
