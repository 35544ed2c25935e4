//! The OSGi bundles of the Author (surfaces.md §5.4).

use serde::Deserialize;

use crate::call::Call;
use crate::problem::{Checked, Problem};
use crate::reply::Reply;
use crate::session::Session;

/// `stateRaw` of a bundle that runs, and of one that is resolved: all that a fragment can become.
const ACTIVE: i64 = 32;
const RESOLVED: i64 = 4;

/// One OSGi bundle.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bundle {
    /// Its symbolic name.
    pub symbolic_name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// The state in words.
    #[serde(default)]
    pub state: String,
    /// The state as OSGi numbers it: 32 active, 4 resolved.
    pub state_raw: i64,
    /// Whether it is a fragment, which is attached to another bundle and never active itself.
    #[serde(default)]
    pub fragment: bool,
}

impl Bundle {
    /// Whether it is up: active, or for a fragment resolved.
    pub fn is_up(&self) -> bool {
        self.state_raw == ACTIVE || (self.fragment && self.state_raw == RESOLVED)
    }
}

/// All bundles. A list without any is an error: an Author has hundreds.
pub async fn all(session: &Session) -> Checked<Vec<Bundle>> {
    read(&session.send(Call::to("author.bundles")).await?)
}

/// The bundles of an answer to that question.
pub fn read(reply: &Reply) -> Checked<Vec<Bundle>> {
    let reply = reply.clone().expect_status(&[200])?;
    parse(&reply.json()?.to_string())
        .map_err(|problem| Problem::error(format!("{}: {}; {}", reply.what(), problem.reason, reply.excerpt())))
}

pub(crate) fn parse(json: &str) -> Checked<Vec<Bundle>> {
    #[derive(Deserialize)]
    struct Page {
        data: Vec<Bundle>,
    }
    let page: Page =
        serde_json::from_str(json).map_err(|error| Problem::error(format!("no list of bundles: {error}")))?;
    if page.data.is_empty() {
        return Err(Problem::error("the list of bundles is empty"));
    }
    Ok(page.data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up(fragment: bool, state_raw: i64) -> bool {
        let json = format!(
            r#"{{"status":"x","s":[1,1,0,0,0],"data":[{{"id":1,"name":"N","fragment":{fragment},"stateRaw":{state_raw},
            "state":"S","version":"1","symbolicName":"a.b","category":""}}]}}"#
        );
        parse(&json).expect("readable")[0].is_up()
    }

    #[test]
    fn a_fragment_is_up_when_resolved_another_bundle_only_when_active() {
        assert!(up(false, 32) && up(true, 4));
        assert!(!up(false, 4) && !up(true, 2) && !up(false, 8));
    }

    #[test]
    fn no_list_is_an_error() {
        for json in [
            r#"{"data":[]}"#,
            "{}",
            "[]",
            r#"{"data":[{"symbolicName":"a"}]}"#,
            r#"{"data":[{"symbolicName":"a","stateRaw":1e99}]}"#,
        ] {
            assert!(parse(json).is_err(), "{json}");
        }
    }
}
