//! The id of a run.

use std::hash::{BuildHasher as _, RandomState};

use jiff::Timestamp;

/// A short random id in base 36, different for each run. Two runs that started in the same millisecond
/// would otherwise share their lock and the package that keeps the configuration.
pub(crate) fn run_id() -> String {
    let digits = b"0123456789abcdefghijklmnopqrstuvwxyz";
    // The standard library seeds each process from the operating system.
    let mut random = RandomState::new().hash_one((Timestamp::now().as_nanosecond(), std::process::id()));
    let mut id = String::new();
    for _ in 0..7 {
        id.push(char::from(digits[usize::try_from(random % 36).unwrap_or_default()]));
        random /= 36;
    }
    id
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn runs_that_begin_at_the_same_moment_have_different_ids() {
        let ids: HashSet<String> = (0..1000).map(|_| run_id()).collect();
        assert!(ids.len() == 1000 && ids.iter().all(|id| id.len() == 7), "{}", ids.len());
    }
}
