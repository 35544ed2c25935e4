//! The pictures of the pages of a browser, as data of the report: once for each, whatever number of steps shows it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::Value;

use crate::error::Error;
use crate::record::{Record, ScenarioRecord};
use crate::verdict::Verdict;

/// How many bytes of pictures the report holds at most; of others it names the file.
const MOST: usize = 16 * 1024 * 1024;

/// The pictures as JSON, by the names of their files; none without any. Those of what did not pass come first.
pub(super) fn embedded(record: &Record) -> Result<Option<Value>, Error> {
    let is_red = |scenario: &&ScenarioRecord| matches!(scenario.verdict, Verdict::Failed | Verdict::Error);
    let (red, others): (Vec<_>, Vec<_>) = record.scenarios.iter().partition(is_red);
    let pages = red.into_iter().chain(others).flat_map(ScenarioRecord::all_pages);
    let (mut pictures, mut left) = (BTreeMap::new(), MOST);
    for name in pages.filter_map(|page| page.picture.as_deref()) {
        if pictures.contains_key(name) {
            continue;
        }
        if let Some(bytes) = record.files.read(name).filter(|bytes| bytes.len() <= left) {
            left -= bytes.len();
            pictures.insert(name, STANDARD.encode(bytes));
        }
    }
    if pictures.is_empty() {
        return Ok(None);
    }
    let json = serde_json::to_string(&pictures).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(Some(Value::from_safe_string(json)))
}
