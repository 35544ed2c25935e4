//! Small conversions and phrases that several modules share.

use bpconform_fixtures::Product;
use serde::Serialize;

/// Why something that holds for some products is not applicable to the judged ones.
pub fn not_applicable(holds_for: &[Product], judged: &[Product]) -> String {
    format!("it holds for {} only, and the Author is {}", Product::names(holds_for), Product::names(judged))
}

/// A duration in milliseconds, with microseconds as decimals.
pub fn milliseconds(duration: std::time::Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 fit into 53 bits for centuries")]
    let us = duration.as_micros() as f64;
    us / 1000.0
}

/// A value as JSON in one line, to compare it and to show it to people.
pub fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
