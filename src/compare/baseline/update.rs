//! Updates a baseline from a record. Everything that people wrote stays unchanged.

use jiff::Timestamp;
use jiff::civil::Date;
use toml_edit::{ArrayOfTables, DocumentMut, value};

use crate::compare::baseline::{Baseline, ExpectedVerdict, Found, judge};
use crate::record::Record;
use crate::verdict::Verdict;

/// A baseline that was brought up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdatedBaseline {
    /// The text of the file.
    pub text: String,
    /// How many entries are new; their comments are to be completed.
    pub added: usize,
    /// How many had another verdict.
    pub changed: usize,
    /// How many are no longer needed, because what they name passed.
    pub removed: usize,
    /// How many are as they were.
    pub kept: usize,
    /// What has expired and still does not pass: a person extends it or does not.
    pub expired: Vec<String>,
}

/// Updates the text of a baseline from a record. Only entries for what passed are removed: a scenario that did not run
/// proves nothing, and a record of one profile does not decide about an entry for all profiles.
pub fn update(text: &str, record: &Record, now: Timestamp, today: Date) -> Result<UpdatedBaseline, String> {
    let updated = updated(&text.replace("\r\n", "\n"), record, now, today)?;
    let written = if text.contains("\r\n") { updated.text.replace('\n', "\r\n") } else { updated.text };
    Ok(UpdatedBaseline { text: written, ..updated })
}

fn updated(text: &str, record: &Record, now: Timestamp, today: Date) -> Result<UpdatedBaseline, String> {
    let baseline = Baseline::parse(text)?;
    let judged = judge(record, &baseline, now);
    let found: Vec<(&ExpectedVerdict, &Found<'_>)> =
        judged.otherwise.iter().map(|(entry, found)| (*entry, found)).collect();
    let late = judged.expired.iter().filter_map(|(entry, found)| Some((*entry, found.as_ref()?)));
    let (mut removed, mut changed) = (Vec::new(), Vec::new());
    for (entry, found) in found.into_iter().chain(late) {
        let at = baseline.all.iter().position(|own| std::ptr::eq(own, entry)).unwrap_or_default();
        // An entry without a profile also covers environments that are not part of this record.
        if entry.profile.is_none() && record.environment.name.is_some() {
            continue;
        }
        match found.verdict {
            // A requirement has passed only if all of its scenarios were to run.
            Verdict::Passed if entry.requirement.is_some() && !ran_whole_requirements(record) => {}
            Verdict::Passed => removed.push(at),
            verdict @ (Verdict::Failed | Verdict::Error) if verdict != entry.verdict => changed.push((at, verdict)),
            _ => {}
        }
    }
    let expired = judged.expired.iter().filter(|(_, found)| found.as_ref().is_some_and(Found::deviates));
    let expired: Vec<String> =
        expired.map(|(entry, _)| format!("{} on {} ({})", entry.subject(), entry.expires, entry.about())).collect();
    let profile = record.environment.name.clone();
    let new: Vec<ExpectedVerdict> = judged
        .unexpected
        .iter()
        .map(|scenario| ExpectedVerdict {
            profile: profile.clone(),
            ..ExpectedVerdict::of(scenario, &record.plan, today)
        })
        .collect();
    if removed.is_empty() && changed.is_empty() && new.is_empty() {
        let kept = baseline.all.len();
        return Ok(UpdatedBaseline { text: text.to_owned(), added: 0, changed: 0, removed: 0, kept, expired });
    }
    let mut text = edited(text, &mut removed, &changed)?;
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    new.iter().for_each(|entry| text += &entry.text());
    // What is written must be what was meant.
    let written = Baseline::parse(&text)?;
    if written.all.len() + removed.len() != baseline.all.len() + new.len() {
        return Err("it cannot be updated without losing what was written; change it by hand".to_owned());
    }
    let kept = baseline.all.len() - removed.len() - changed.len();
    Ok(UpdatedBaseline { text, added: new.len(), changed: changed.len(), removed: removed.len(), kept, expired })
}

fn ran_whole_requirements(record: &Record) -> bool {
    let plan = &record.plan;
    record.complete && plan.tags.is_none() && plan.name.is_none() && plan.shard.is_none()
}

fn edited(text: &str, removed: &mut [usize], changed: &[(usize, Verdict)]) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| error.to_string())?;
    let Some(entries) = document.get_mut("expected") else { return Ok(text.to_owned()) };
    let entries = entries
        .as_array_of_tables_mut()
        .ok_or("its entries are in one array; write each below a line [[expected]], so that it can be updated")?;
    if removed.is_empty() && changed.is_empty() {
        return Ok(text.to_owned());
    }
    for (at, verdict) in changed {
        if let Some(own) = entries.get_mut(*at).and_then(|entry| entry.get_mut("verdict")) {
            *own = value(verdict.word());
        }
    }
    let head = head(entries).filter(|_| removed.contains(&0)).unwrap_or_default();
    removed.sort_unstable();
    for at in removed.iter().rev() {
        entries.remove(*at);
    }
    let text = document.to_string();
    Ok(if head.is_empty() { text } else { format!("{head}{}", text.trim_start_matches('\n')) })
}

/// The comment at the head of the file, which stands before the first entry and is not of it: it ends at an empty line.
fn head(entries: &ArrayOfTables) -> Option<String> {
    let before = entries.get(0)?.decor().prefix()?.as_str()?;
    let end = before.rfind("\n\n")?;
    Some(before[..end + 2].to_owned())
}
