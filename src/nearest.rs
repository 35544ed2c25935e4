//! What was probably meant by a mistyped word.

/// The candidate that was probably meant by a mistyped word.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likenesses = candidates.into_iter().map(|candidate| (strsim::jaro_winkler(candidate, word), candidate));
    likenesses.filter(|(likeness, _)| *likeness > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, near)| near)
}
