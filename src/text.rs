//! Small conversions that several modules share.

/// A duration in milliseconds, with microseconds as decimals.
pub fn milliseconds(duration: std::time::Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 fit into 53 bits for centuries")]
    let us = duration.as_micros() as f64;
    us / 1000.0
}
