//! Endpoints whose answers became slower or quicker beyond noise. Medians are compared, since a single slow answer does not
//! change them.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::record::Record;
use crate::report::view;

/// Fewer answers than this say nothing about a median.
const FEWEST: usize = 5;

/// The smallest shift that a person cares about, in milliseconds.
const SMALLEST_MS: f64 = 20.0;

/// The smallest shift, as a part of the median before.
const SMALLEST_PART: f64 = 0.25;

/// How many times the spread of the answers a shift must be.
const SPREADS: f64 = 3.0;

/// An endpoint whose answers became slower or quicker.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimingShift {
    /// The surface.
    pub surface: String,
    /// The median before, in milliseconds.
    pub before_ms: f64,
    /// The median after, in milliseconds.
    pub after_ms: f64,
    /// How many answers there were before and after.
    pub answers: (usize, usize),
}

impl fmt::Display for TimingShift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.after_ms > self.before_ms { "slower" } else { "quicker" };
        let (before, after) = (view::time(self.before_ms), view::time(self.after_ms));
        write!(f, "{}  {before} → {after} ({word}; medians of {} and {})", self.surface, self.answers.0, self.answers.1)
    }
}

/// The endpoints whose median shifted by more than the answers spread, both times.
pub fn shifts(before: &Record, after: &Record) -> Vec<TimingShift> {
    let (before, after) = (times(before), times(after));
    let shift = |(surface, one): (&String, &Vec<f64>)| compare(surface, one, after.get(surface)?);
    before.iter().filter_map(shift).collect()
}

fn compare(surface: &str, one: &[f64], two: &[f64]) -> Option<TimingShift> {
    if one.len() < FEWEST || two.len() < FEWEST {
        return None;
    }
    let (before_ms, after_ms) = (median(one), median(two));
    let noise = SPREADS * spread(one).max(spread(two));
    let least = noise.max(SMALLEST_MS).max(before_ms * SMALLEST_PART);
    ((after_ms - before_ms).abs() > least).then(|| TimingShift {
        surface: surface.to_owned(),
        before_ms,
        after_ms,
        answers: (one.len(), two.len()),
    })
}

fn times(record: &Record) -> BTreeMap<String, Vec<f64>> {
    let mut times = BTreeMap::<String, Vec<f64>>::new();
    for exchange in record.scenarios.iter().flat_map(view::exchanges).filter(|exchange| !exchange.shared) {
        #[expect(clippy::cast_precision_loss, reason = "a duration in microseconds fits into 53 bits")]
        let took = exchange.took_us as f64 / 1000.0;
        times.entry(exchange.surface.clone()).or_default().push(took);
    }
    times
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

/// The median distance from the median, on the scale of a standard deviation.
fn spread(times: &[f64]) -> f64 {
    let middle = median(times);
    1.4826 * median(&times.iter().map(|time| (time - middle).abs()).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_answer_is_noise_and_a_shift_of_all_is_not() {
        let quick = [100.0, 101.0, 99.0, 102.0, 100.0, 98.0];
        let one_slow = [100.0, 101.0, 99.0, 102.0, 900.0, 98.0];
        assert_eq!(compare("s", &quick, &one_slow), None);
        let slow = quick.map(|time| time * 2.0);
        let shift = compare("s", &quick, &slow).expect("twice as long is a shift");
        assert!((shift.after_ms - 200.0).abs() < 1.0 && shift.to_string().contains("slower"), "{shift}");
        assert!(compare("s", &slow, &quick).expect("the other way too").to_string().contains("quicker"));
    }

    #[test]
    fn what_spreads_widely_or_is_rare_is_noise() {
        let wide = [10.0, 80.0, 150.0, 300.0, 20.0, 200.0];
        let wider = wide.map(|time| time * 1.6);
        assert_eq!(compare("s", &wide, &wider), None);
        assert_eq!(compare("s", &[1.0; 4], &[900.0; 4]), None);
    }
}
