//! Token requests that a run made fail on purpose. The Author logs each refusal, and a later run must not report
//! that entry as a problem of the configuration. The state directory keeps these entries, since the log names neither the
//! run nor the configuration.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

use super::log::Entry;
use crate::problem::{Checked, Problem};
use crate::session::Session;
use crate::state_dir::StateDir;
use crate::tenant::digest;

/// How the files of the state directory begin.
const PREFIX: &str = "refused-";

/// How long after its beginning a run that was killed may have caused a refusal.
const KILLED: SignedDuration = SignedDuration::from_secs(60);

/// All zones are this far apart, or a multiple of it.
const ZONES: SignedDuration = SignedDuration::from_mins(15);

/// What a run did on purpose.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OnPurpose {
    run: String,
    author: Url,
    client_id: Option<String>,
    began: Timestamp,
    /// What the log says of it; unknown while it is going on, and when the run was killed.
    entries: Option<Vec<Written>>,
}

/// An entry of the log, in the zone of the Author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Written {
    time: Option<DateTime>,
    sha256: String,
}

impl Written {
    /// Only the first line: others may be written, or read, later.
    pub(super) fn of(entry: &Entry) -> Self {
        Self { time: entry.time, sha256: digest(entry.text.lines().next().unwrap_or_default().trim().as_bytes()) }
    }
}

impl OnPurpose {
    /// A refusal that begins now.
    pub(super) fn now(session: &Session) -> Self {
        Self {
            run: session.run.id.clone(),
            author: session.stack.author.clone(),
            client_id: session.credentials.get("BPCONFORM_IMS_CLIENT_ID").map(str::to_owned),
            began: Timestamp::now(),
            entries: None,
        }
    }

    /// The refusal with its entries in the log.
    pub(super) fn with(&self, entries: Vec<Written>) -> Self {
        Self { entries: Some(entries), ..self.clone() }
    }

    /// Remembers it under that name.
    pub(super) fn write(&self, session: &Session, name: &str) -> Checked {
        let state = StateDir::open(session.run.settings.state_dir.as_deref())?;
        let text = serde_json::to_vec(self).map_err(|error| Problem::error(error.to_string()))?;
        state.replace(&format!("{PREFIX}{name}.json"), &text)
    }
}

/// Removes what no log entry that counts can be about any more.
pub(super) fn forget_old(session: &Session) -> Checked {
    let state = StateDir::look(session.run.settings.state_dir.as_deref());
    let counts = session.run.settings.log_age.saturating_add(Duration::from_secs(2 * 24 * 3600));
    for (name, it) in all(&state) {
        if Timestamp::now().duration_since(it.began).unsigned_abs() > counts {
            state.remove(&name)?;
        }
    }
    Ok(())
}

fn all(state: &StateDir) -> Vec<(String, OnPurpose)> {
    let names = state.names().into_iter().filter(|name| name.starts_with(PREFIX) && name.ends_with(".json"));
    names.filter_map(|name| Some((name.clone(), serde_json::from_slice(&state.read(&name)?).ok()?))).collect()
}

/// What earlier runs did on purpose.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    all: Vec<OnPurpose>,
    author: Option<Url>,
}

impl Known {
    /// What the state directory remembers.
    pub(super) fn read(session: &Session) -> Self {
        let state = StateDir::look(session.run.settings.state_dir.as_deref());
        let all = all(&state).into_iter().map(|(_, it)| it).collect();
        Self { all, author: Some(session.stack.author.clone()) }
    }

    /// Whether a run caused an entry of the log.
    pub(super) fn caused(&self, entry: &Entry) -> bool {
        let written = Written::of(entry);
        self.all.iter().filter_map(|it| it.entries.as_ref()).any(|entries| entries.contains(&written))
    }

    /// The run that may have caused an entry of the log: it was killed, or is going on.
    pub(super) fn may_have_caused(&self, entry: &Entry) -> Option<&str> {
        let here = |it: &&OnPurpose| it.entries.is_none() && Some(&it.author) == self.author.as_ref();
        let found = self.all.iter().filter(here).find(|it| may_be_at(entry.time, it.began))?;
        Some(&found.run)
    }
}

/// Whether a time in an unknown zone is shortly after a moment.
fn may_be_at(time: Option<DateTime>, began: Timestamp) -> bool {
    let Some(written) = time.and_then(|time| TimeZone::UTC.to_timestamp(time).ok()) else { return false };
    let apart = written.duration_since(began).as_secs() + 2;
    apart.rem_euclid(ZONES.as_secs()) <= KILLED.as_secs() && apart.abs() <= 15 * 3600
}

#[cfg(test)]
mod tests {
    use super::super::log;
    use super::*;

    #[test]
    fn an_entry_is_known_by_its_time_and_first_line() {
        let entry = |line: &str| log::entries([line]).remove(0);
        let one = entry("28.11.2026 16:45:53.796 *ERROR* [x] refused");
        let known = |entries: Option<Vec<Written>>| Known {
            all: vec![OnPurpose {
                run: "abc1234".into(),
                author: "http://localhost:4502".parse().expect("an address"),
                client_id: None,
                began: "2026-11-28T15:45:50Z".parse().expect("a time"),
                entries,
            }],
            author: "http://localhost:4502".parse().ok(),
        };
        let complete = known(Some(vec![Written::of(&one)]));
        assert!(complete.caused(&one) && complete.may_have_caused(&one).is_none());
        assert!(!complete.caused(&entry("28.11.2026 16:45:54.000 *ERROR* [x] refused")));
        assert!(!complete.caused(&entry("28.11.2026 16:45:53.796 *ERROR* [x] refused otherwise")));
        let killed = known(None);
        assert!(!killed.caused(&one) && killed.may_have_caused(&one) == Some("abc1234"));
        assert_eq!(killed.may_have_caused(&entry("28.11.2026 16:48:53.796 *ERROR* [x] refused")), None);
    }
}
