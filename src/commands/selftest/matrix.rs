//! The kill matrix: which requirements each defect turned red, compared with those that it should break.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use bpconform_fixtures::{Defect, Explanation, Presuppositions, Product, Requirements, Sighting};
use serde::Serialize;

use crate::error::Error;

/// The result of a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DefectFate {
    /// It turned red what it breaks, and nothing else.
    Killed,
    /// Something that it breaks stayed green: a check that cannot fail.
    Survived,
    /// It turned red what it does not break.
    Collateral,
}

impl DefectFate {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Survived => "survived",
            Self::Collateral => "collateral",
        }
    }
}

/// A scenario that a defect turned red.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RedScenario {
    /// The scenario's id.
    pub scenario: String,
    /// Its requirements.
    #[serde(skip)]
    pub requirements: Vec<String>,
    /// `failed` or `error`.
    pub verdict: String,
    /// Why.
    pub reason: String,
    /// What matters for its cause.
    #[serde(skip)]
    pub sighting: Sighting,
}

/// One defect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DefectRow {
    /// The defect's id.
    pub defect: String,
    /// What is wrong with it.
    pub says: String,
    /// The row of the table of known failures in surfaces.md §7.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<u8>,
    /// The requirements that it breaks.
    pub expected: BTreeSet<String>,
    /// The requirements that turned red.
    pub found: BTreeSet<String>,
    /// The result.
    pub verdict: DefectFate,
    /// How many scenarios it could have changed anything in.
    pub touched: usize,
    /// The cause that a run must name for it; none if the defect does not say it.
    pub cause: Option<String>,
    /// The causes that are named for it.
    pub causes: Vec<String>,
    /// Whether exactly that cause is named.
    pub named: bool,
    /// The scenarios that turned red.
    pub red: Vec<RedScenario>,
}

impl DefectFate {
    /// The fate of a defect that turned these requirements red.
    pub(super) fn of(defect: &Defect, found: &BTreeSet<String>) -> Self {
        match (found.is_superset(&defect.breaks), found.is_subset(&defect.breaks)) {
            (false, _) => Self::Survived,
            (true, false) => Self::Collateral,
            (true, true) => Self::Killed,
        }
    }
}

impl DefectRow {
    /// The row of a defect that these scenarios saw.
    pub fn new(defect: &Defect, touched: usize, red: Vec<RedScenario>) -> Self {
        let found: BTreeSet<_> = red.iter().flat_map(|red| red.requirements.iter().cloned()).collect();
        let verdict = DefectFate::of(defect, &found);
        let seen: Vec<Sighting> = red.iter().map(|red| red.sighting.clone()).collect();
        let causes = Presuppositions::built_in().explain(&seen);
        let cause = defect.expected_cause();
        // A cause that follows from `breaks` is the requirement, also where a reader recognised it.
        let is_named = |found: &Explanation| {
            let at = found.shown_by.iter().filter_map(|at| seen[*at].requirements.first());
            cause.is_some_and(|cause| found.key == cause || defect.cause.is_none() && at.take(1).any(|id| id == cause))
        };
        Self {
            cause: cause.map(str::to_owned),
            named: causes.len() == 1 && causes.iter().all(is_named),
            causes: causes.into_iter().map(|cause| cause.key).collect(),
            defect: defect.id.clone(),
            says: defect.says.clone(),
            failure: defect.failure,
            expected: defect.breaks.clone(),
            found,
            verdict,
            touched,
            red,
        }
    }
}

/// The whole matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DefectMatrix {
    /// The defects, in the order of the catalogue.
    pub defects: Vec<DefectRow>,
    /// The requirements that no defect breaks.
    pub without_defect: Vec<String>,
    /// The rows counted.
    pub summary: DefectCounts,
}

/// How many defects came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DefectCounts {
    /// All.
    pub defects: usize,
    /// Turned red what they break, and nothing else.
    pub killed: usize,
    /// Left something green that they break.
    pub survivors: usize,
    /// Turned red what they do not break.
    pub collateral: usize,
    /// For which exactly the right cause is named.
    pub right_causes: usize,
    /// For which another cause, or one more, is named.
    pub wrong_causes: usize,
    /// For which no cause is named.
    pub missing_causes: usize,
}

/// The requirements of AEM as a Cloud Service alone: the shared ones are proved to fail on the mocks of AEM 6.5.
const OF_CLOUD: &str = "BP-CS-";

impl DefectMatrix {
    /// The matrix of these rows. `whole`: the product whose defects are all there, so that every requirement of it that its
    /// mocks can prove must have one.
    pub fn new(rows: Vec<DefectRow>, whole: Option<Product>) -> Self {
        let broken: BTreeSet<_> = rows.iter().flat_map(|row| &row.expected).collect();
        let needs = |id: &str, product| product != Product::AemCloud || id.starts_with(OF_CLOUD);
        let all = Requirements::built_in().all.iter();
        let promises =
            all.filter(|one| whole.is_some_and(|product| one.holds_for(&[product]) && needs(&one.id, product)));
        let ids = promises.map(|requirement| &requirement.id);
        let without_defect = ids.filter(|id| !broken.contains(id)).cloned().collect();
        let count = |fate| rows.iter().filter(|row| row.verdict == fate).count();
        let summary = DefectCounts {
            defects: rows.len(),
            killed: count(DefectFate::Killed),
            survivors: count(DefectFate::Survived),
            collateral: count(DefectFate::Collateral),
            right_causes: rows.iter().filter(|row| row.named).count(),
            wrong_causes: rows.iter().filter(|row| !row.named && !row.causes.is_empty()).count(),
            missing_causes: rows.iter().filter(|row| row.causes.is_empty()).count(),
        };
        Self { defects: rows, without_defect, summary }
    }

    /// Whether every check has proved that it can fail, and that it fails for nothing else.
    pub fn holds(&self) -> bool {
        let DefectCounts { defects, killed, right_causes, .. } = self.summary;
        killed == defects && right_causes == defects && self.without_defect.is_empty()
    }

    /// The matrix for a program.
    pub fn json(&self) -> Result<String, Error> {
        let json = serde_json::to_string_pretty(self).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(json + "\n")
    }

    /// The matrix for a person; the last line says it in one.
    pub fn text(&self) -> String {
        let width =
            |cells: &mut dyn Iterator<Item = usize>, head: &str| cells.max().unwrap_or_default().max(head.len());
        let defect = width(&mut self.defects.iter().map(|row| row.defect.len()), "defect");
        let breaks = width(&mut self.defects.iter().map(|row| list(&row.expected).len()), "breaks");
        let cause = width(&mut self.defects.iter().map(|row| row.causes.join(" ").len()), "cause");
        let mut text = format!(
            "{:<defect$}  {:<breaks$}  {:<10}  {:>3}  {:<cause$}  found\n",
            "defect", "breaks", "verdict", "red", "cause"
        );
        for row in &self.defects {
            let found = if row.verdict == DefectFate::Killed { "the same".to_owned() } else { list(&row.found) };
            let expected = list(&row.expected);
            let (red, causes) = (row.red.len(), row.causes.join(" "));
            let _ = writeln!(
                text,
                "{:<defect$}  {expected:<breaks$}  {:<10}  {red:>3}  {causes:<cause$}  {found}",
                row.defect,
                row.verdict.word()
            );
        }
        let wrong = self.defects.iter().filter(|row| row.verdict != DefectFate::Killed || !row.named);
        wrong.for_each(|row| explain(&mut text, row));
        for id in &self.without_defect {
            let _ = writeln!(text, "\n{id} has no defect: nothing shows that its checks can fail");
        }
        let DefectCounts { defects, killed, survivors, collateral, right_causes, wrong_causes, missing_causes } =
            self.summary;
        let _ = writeln!(text, "\ncauses: {right_causes} right, {wrong_causes} wrong, {missing_causes} missing");
        let _ = writeln!(
            text,
            "selftest: {defects} defects, {killed} killed, {survivors} survivors, {collateral} collateral"
        );
        text
    }
}

fn explain(text: &mut String, row: &DefectRow) {
    let missing: BTreeSet<_> = row.expected.difference(&row.found).cloned().collect();
    let more: BTreeSet<_> = row.found.difference(&row.expected).cloned().collect();
    let _ = writeln!(text, "\n{} ({}; could show in {} scenarios)", row.defect, row.says, row.touched);
    if !missing.is_empty() {
        let _ = writeln!(text, "  stayed green: {}", list(&missing));
    }
    if !more.is_empty() {
        let _ = writeln!(text, "  turned red besides: {}", list(&more));
    }
    if !row.named {
        let (cause, causes) = (row.cause.as_deref().unwrap_or("not given"), row.causes.join(", "));
        let _ = writeln!(text, "  cause named: {causes}; expected: {cause}");
    }
    for red in &row.red {
        let _ = writeln!(text, "  {} {}: {}", red.scenario, red.verdict, red.reason);
    }
}

pub(super) fn list(ids: &BTreeSet<String>) -> String {
    if ids.is_empty() { "nothing".to_owned() } else { ids.iter().cloned().collect::<Vec<_>>().join(" ") }
}

#[cfg(test)]
mod tests {
    use bpconform_fixtures::Defects;

    use super::*;

    fn row(red: &[&str]) -> DefectRow {
        let text = "[[defect]]\nid = 'a'\nsays = 'b'\nbreaks = ['BP-REP-01', 'BP-REP-02']\n\
                    cause = 'BP-REP-01'\nedits = [{ node = '/a', change = 'remove' }]";
        let defects = Defects::parse("test", text).expect("a defect");
        let red = red.iter().map(|id| RedScenario {
            scenario: (*id).to_owned(),
            requirements: vec![(*id).to_owned()],
            verdict: "failed".into(),
            reason: "because".into(),
            sighting: Sighting { requirements: vec![(*id).to_owned()], ..Sighting::default() },
        });
        DefectRow::new(&defects.all[0], 3, red.collect())
    }

    #[test]
    fn only_exactly_the_broken_promises_kill() {
        assert_eq!(row(&["BP-REP-01", "BP-REP-02"]).verdict, DefectFate::Killed);
        assert_eq!(row(&["BP-REP-01"]).verdict, DefectFate::Survived);
        assert_eq!(row(&["BP-REP-01", "BP-REP-03"]).verdict, DefectFate::Survived);
        assert_eq!(row(&["BP-REP-01", "BP-REP-02", "BP-REP-03"]).verdict, DefectFate::Collateral);
    }

    #[test]
    fn a_promise_without_a_defect_fails_a_whole_matrix_only() {
        let mut rows = vec![row(&["BP-REP-01", "BP-REP-02"])];
        assert_eq!((rows[0].named, rows[0].causes.len()), (false, 2));
        rows[0].named = true;
        assert!(DefectMatrix::new(rows.clone(), None).holds());
        let whole = DefectMatrix::new(rows, Some(Product::Aem65));
        assert!(!whole.holds());
        let all = Requirements::built_in().all.iter().filter(|one| one.holds_for(&[Product::Aem65]));
        assert_eq!(whole.without_defect.len(), all.count() - 2);
        assert!(whole.text().ends_with("selftest: 1 defects, 1 killed, 0 survivors, 0 collateral\n"));
    }
}
