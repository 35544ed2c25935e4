//! The OSGi bundles of the Author (surfaces.md §5.4).

use bpconform_fixtures::{Cause, Surface};
use serde::Deserialize;

use crate::call::Call;
use crate::problem::{Because as _, Checked, Problem, ensure};
use crate::reply::Reply;
use crate::session::Session;

/// `stateRaw` of a bundle that runs, and of one that is resolved: all that a fragment can become.
const ACTIVE: i64 = 32;
const RESOLVED: i64 = 4;

/// `stateRaw` of a bundle that is activated when one of its classes is used first (`Bundle-ActivationPolicy: lazy`).
const STARTING: i64 = 8;

/// One OSGi bundle.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bundle {
    /// Its symbolic name; a bundle of the first OSGi releases has none.
    #[serde(default)]
    pub symbolic_name: String,
    /// Its name for people.
    #[serde(default)]
    pub name: String,
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

    /// Whether it is down for a reason that is well: it waits for its first use, or Adobe's security checklist says to stop
    /// it.
    fn may_be_down(&self, stopped: &[&str]) -> bool {
        self.state_raw == STARTING || (self.state_raw == RESOLVED && stopped.contains(&self.symbolic_name.as_str()))
    }

    /// Whether the state in words, which the console writes in English only, contradicts the number of the state. Words that
    /// are not a state of OSGi, such as `Fragment`, contradict no number.
    fn is_contradictory(&self) -> bool {
        let states = [
            ("Uninstalled", 1),
            ("Installed", 2),
            ("Resolved", RESOLVED),
            ("Starting", STARTING),
            ("Stopping", 16),
            ("Active", ACTIVE),
        ];
        states.iter().any(|(word, raw)| self.state == *word && self.state_raw != *raw)
    }

    fn told(&self) -> String {
        let name = if self.symbolic_name.is_empty() { &self.name } else { &self.symbolic_name };
        format!("{name} ({})", self.state)
    }
}

/// All bundles, and what the console counts besides.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundles {
    /// The bundles.
    pub all: Vec<Bundle>,
    /// How many there are and how many are active, by the console's own count; fragments that are resolved count too.
    counted: Vec<(u64, u64)>,
}

impl Bundles {
    /// Fails unless all bundles are up, by the list and by the console's own count; the replication bundle must be active.
    pub fn judge(&self, surface: &Surface) -> Checked {
        let stopped: Vec<&str> = surface.phrase("may-be-stopped").split(' ').collect();
        let replication = surface.phrase("replication-bundle");
        let bad = |it: &&Bundle| !it.is_up() && (it.symbolic_name == replication || !it.may_be_down(&stopped));
        let down: Vec<_> = self.all.iter().filter(bad).map(Bundle::told).collect();
        ensure(down.is_empty(), || {
            format!("{} of {} bundles are not active: {}", down.len(), self.all.len(), down.join(", "))
        })?;
        if let Some(odd) = self.all.iter().find(|it| it.is_contradictory()) {
            let state = odd.state_raw;
            return Err(Problem::error(format!("the console lists {}, and gives its state as {state}", odd.told())));
        }
        let known = self.all.iter().filter(|it| !it.is_up()).count() as u64;
        for (total, up) in &self.counted {
            if *total > self.all.len() as u64 {
                return Err(Problem::error(format!(
                    "the console counts {total} bundles and lists {} of them",
                    self.all.len()
                )));
            }
            ensure(total.saturating_sub(*up) <= known, || {
                format!("the console counts {up} of {total} bundles as active, and lists all of them as active")
            })?;
        }
        Ok(())
    }

    /// Fails unless the replication bundle is there and active.
    pub fn judge_replication(&self, surface: &Surface) -> Checked {
        let name = surface.phrase("replication-bundle");
        let bundle = self.all.iter().find(|it| it.symbolic_name == name);
        let bundle = bundle.ok_or_else(|| Problem::failed(format!("the bundle {name} is not there")))?;
        ensure(bundle.is_up(), || format!("the bundle {name} is {}, not active", bundle.state))
            .because(Cause::ReplicationBundle)
    }

    /// The bundles that Brand Portal is made of: each name, and the bundle if it is there. Of several of one name, one that
    /// is up counts.
    pub fn of_brand_portal<'a>(&'a self, surface: &'a Surface) -> Vec<(&'a str, Option<&'a Bundle>)> {
        let named = |name: &'a str| {
            let all = self.all.iter().filter(move |it| it.symbolic_name == name);
            (name, all.max_by_key(|it| it.is_up()))
        };
        surface.phrase("brand-portal-bundles").split(' ').map(named).collect()
    }

    /// Fails unless Brand Portal's own bundles are there and up; each that is not is named, with its version.
    pub fn judge_brand_portal(&self, surface: &Surface) -> Checked {
        let all = self.of_brand_portal(surface);
        let missing: Vec<_> = all.iter().filter(|(_, bundle)| bundle.is_none()).map(|(name, _)| *name).collect();
        if !missing.is_empty() && self.counted.iter().any(|(total, _)| *total > self.all.len() as u64) {
            let missing = missing.join(", ");
            return Err(Problem::error(format!("the console lists only some of its bundles, and not {missing}")));
        }
        ensure(missing.is_empty(), || format!("bundles of Brand Portal are not there: {}", missing.join(", ")))
            .because(Cause::BrandPortalBundles)?;
        let replication = surface.phrase("replication-bundle");
        let is_well = |it: &Bundle| it.is_up() || (it.state_raw == STARTING && it.symbolic_name != replication);
        let down = all.iter().filter_map(|(_, bundle)| bundle.filter(|it| !is_well(it)));
        let down: Vec<_> = down.map(|it| format!("{} {} ({})", it.symbolic_name, it.version, it.state)).collect();
        ensure(down.is_empty(), || format!("bundles of Brand Portal are not active: {}", down.join(", ")))
    }

    /// The version of the bundle for IMS configurations if it is one that can do OAuth: inferred from the versions of AEM
    /// that have it, so it never stands against the version of AEM.
    pub fn oauth_ability(&self, surface: &Surface) -> Option<&str> {
        let bundle = self.all.iter().find(|it| it.symbolic_name == surface.phrase("ims-bundle"))?;
        (numbers(&bundle.version) >= numbers(surface.phrase("oauth-from"))).then_some(&bundle.version)
    }
}

/// The version of a bundle, comparable by its numbers; what follows the third number does not count.
fn numbers(version: &str) -> Vec<u64> {
    version.split('.').take(3).map_while(|number| number.parse().ok()).collect()
}

/// All bundles. A list without any is an error: an Author has hundreds.
pub async fn all(session: &Session) -> Checked<Bundles> {
    read_all(&session.send(Call::to("author.bundles")).await?)
}

/// The bundles of an answer to that question.
pub fn read(reply: &Reply) -> Checked<Vec<Bundle>> {
    read_all(reply).map(|bundles| bundles.all)
}

fn read_all(reply: &Reply) -> Checked<Bundles> {
    let reply = reply.clone().expect_status(&[200])?;
    parse(&reply.json()?.to_string())
        .map_err(|problem| Problem::error(format!("{}: {}; {}", reply.what(), problem.reason, reply.excerpt())))
}

pub(crate) fn parse(json: &str) -> Checked<Bundles> {
    #[derive(Deserialize)]
    struct Page {
        data: Vec<Bundle>,
        #[serde(default)]
        status: String,
        #[serde(default)]
        s: Vec<u64>,
    }
    let page: Page =
        serde_json::from_str(json).map_err(|error| Problem::error(format!("no list of bundles: {error}")))?;
    if page.data.is_empty() {
        return Err(Problem::error("the list of bundles is empty"));
    }
    // `s` is [total, active, fragments, resolved, installed]; the sentence has the same numbers in this order, whatever
    // its language.
    let list = match page.s[..] {
        [total, active, fragments, ..] => Some((total, active + fragments)),
        _ => None,
    };
    let numbers = page.status.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok());
    let numbers: Vec<u64> = numbers.collect();
    // The numbers after the active bundles depend on what else is installed: the list shows how many fragments are up.
    let fragments = page.data.iter().filter(|it| it.fragment && it.is_up()).count() as u64;
    let sentence = match numbers[..] {
        [total, active, ..] => Some((total, (active + fragments).min(total))),
        _ => None,
    };
    Ok(Bundles { all: page.data, counted: list.into_iter().chain(sentence).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up(fragment: bool, state_raw: i64) -> bool {
        let json = format!(
            r#"{{"status":"x","s":[1,1,0,0,0],"data":[{{"id":1,"name":"N","fragment":{fragment},"stateRaw":{state_raw},
            "state":"S","version":"1","symbolicName":"a.b","category":""}}]}}"#
        );
        parse(&json).expect("readable").all[0].is_up()
    }

    #[test]
    fn a_fragment_is_up_when_resolved_another_bundle_only_when_active() {
        assert!(up(false, 32) && up(true, 4));
        assert!(!up(false, 4) && !up(true, 2) && !up(false, 8));
    }

    fn verdict(status: &str, s: &str, bundles: &[(&str, i64, bool)]) -> Result<(), crate::problem::Kind> {
        let data: Vec<_> = bundles
            .iter()
            .map(|(name, state, fragment)| {
                format!(r#"{{"symbolicName":"{name}","stateRaw":{state},"fragment":{fragment}}}"#)
            })
            .collect();
        let json = format!(r#"{{"status":"{status}","s":[{s}],"data":[{}]}}"#, data.join(","));
        let surface = bpconform_fixtures::Surfaces::built_in().get("author.bundles");
        parse(&json).and_then(|bundles| bundles.judge(surface)).map_err(|problem| problem.kind)
    }

    #[test]
    fn what_is_stopped_as_advised_or_waits_for_its_first_use_is_well() {
        let all = [("a", 32, false), ("org.apache.sling.jcr.webdav", 4, false), ("lazy", 8, false), ("f", 4, true)];
        assert_eq!(verdict("", "4,1,1,1,0", &all), Ok(()));
        assert_eq!(verdict("", "", &[("org.apache.sling.jcr.webdav", 2, false)]), Err(crate::problem::Kind::Failed));
        assert_eq!(verdict("", "", &[("com.day.cq.cq-replication", 8, false)]), Err(crate::problem::Kind::Failed));
        assert_eq!(verdict("", "", &[("other", 4, false)]), Err(crate::problem::Kind::Failed));
        assert_eq!(verdict("", "", &[("f", 2, true)]), Err(crate::problem::Kind::Failed));
    }

    #[test]
    fn the_consoles_own_count_must_agree_with_its_list() {
        use crate::problem::Kind;
        let two = [("a", 32, false), ("b", 32, false)];
        assert_eq!(
            verdict("Bundle information: 2 bundles in total - all 2 bundles active.", "2,2,0,0,0", &two),
            Ok(())
        );
        assert_eq!(verdict("", "600,540,0,60,0", &two), Err(Kind::Error));
        assert_eq!(verdict("", "2,1,0,1,0", &two), Err(Kind::Failed));
        assert_eq!(verdict("2 bundles in total, 1 bundles active, 1 bundles resolved.", "", &two), Err(Kind::Failed));
        assert_eq!(verdict("2 Bundles insgesamt, 1 aktiv, 0 Fragmente, 1 aufgelöst", "", &two), Err(Kind::Failed));
    }

    #[test]
    fn each_bundle_of_brand_portal_is_there_and_up() {
        use crate::problem::Kind;
        let surface = bpconform_fixtures::Surfaces::built_in().get("author.bundles");
        let names: Vec<&str> = surface.phrase("brand-portal-bundles").split(' ').collect();
        let judged = |change: &dyn Fn(&str) -> Option<i64>, status: &str| {
            let data: Vec<_> = (names.iter())
                .filter_map(|name| Some((name, change(name)?)))
                .map(|(name, state)| format!(r#"{{"symbolicName":"{name}","stateRaw":{state},"version":"1.2.3"}}"#))
                .collect();
            let json = format!(r#"{{"status":"{status}","data":[{}]}}"#, data.join(","));
            let bundles = parse(&json).expect("readable");
            bundles.judge_brand_portal(surface).map_err(|problem| (problem.kind, problem.cause))
        };
        assert_eq!(judged(&|_| Some(32), ""), Ok(()));
        for name in &names {
            let without = |other: &str| (other != *name).then_some(32);
            assert_eq!(judged(&without, ""), Err((Kind::Failed, Some(Cause::BrandPortalBundles))), "{name}");
            assert_eq!(judged(&without, "99 bundles in total, 99 active"), Err((Kind::Error, None)), "{name}");
            let stopped = |other: &str| Some(if other == *name { 4 } else { 32 });
            assert_eq!(judged(&stopped, ""), Err((Kind::Failed, None)), "{name}");
            let lazy = judged(&|other: &str| Some(if other == *name { 8 } else { 32 }), "");
            assert_eq!(lazy.is_ok(), *name != surface.phrase("replication-bundle"), "{name}");
        }
    }

    #[test]
    fn the_version_of_the_ims_bundle_tells_whether_it_can_do_oauth() {
        let surface = bpconform_fixtures::Surfaces::built_in().get("author.bundles");
        let able = |version: &str| {
            let name = surface.phrase("ims-bundle");
            let json = format!(r#"{{"data":[{{"symbolicName":"{name}","stateRaw":32,"version":"{version}"}}]}}"#);
            parse(&json).expect("readable").oauth_ability(surface).is_some()
        };
        assert!(able("1.1.26") && able("1.1.26.B001") && able("1.2.0") && able("2.0"));
        assert!(!able("1.1.16") && !able("1.1") && !able("") && !able("x"));
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
