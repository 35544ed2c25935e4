//! The id of a run.

use jiff::Timestamp;

/// A short id, different for each run: the time in base 36.
pub(crate) fn run_id() -> String {
    let digits = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut time = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
    let mut id = Vec::new();
    for _ in 0..7 {
        id.push(digits[usize::try_from(time % 36).unwrap_or_default()]);
        time /= 36;
    }
    id.reverse();
    String::from_utf8_lossy(&id).into_owned()
}
