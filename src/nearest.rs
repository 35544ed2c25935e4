//! Suggestions for mistyped words.

/// The candidate most similar to a mistyped word, if any is similar enough.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likenesses = candidates.into_iter().map(|candidate| (strsim::jaro_winkler(candidate, word), candidate));
    likenesses.filter(|(likeness, _)| *likeness > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, near)| near)
}
