//! Checks the text of a feature file. The Gherkin parser reads many mistakes as a description; here they are errors, since
//! a step or a scenario that silently disappears would prove nothing.

use std::path::PathBuf;
use std::sync::LazyLock;

use cucumber::feature::Ext as _;
use cucumber::gherkin::{Examples, Feature, GherkinEnv, LineCol, Scenario, is_language_supported};
use regex::Regex;

use super::sentences;
use crate::error::FeatureError;
use crate::nearest::nearest;
use crate::tags::Vocabulary;

/// The keywords that end with a colon, in English.
const BLOCKS: [&str; 9] = [
    "Feature",
    "Rule",
    "Background",
    "Scenario",
    "Scenario Outline",
    "Scenario Template",
    "Example",
    "Examples",
    "Scenarios",
];

/// The keywords of steps, in English.
const STEPS: [&str; 6] = ["Given ", "When ", "Then ", "And ", "But ", "* "];

/// Parses and checks a file, and expands its outlines.
///
/// # Errors
///
/// The line that cannot be used, what is wrong with it, and what to do.
pub(super) fn parse(file: &str, text: &str, known: &Vocabulary) -> Result<Feature, FeatureError> {
    let source = Source { file, text };
    let feature = source.parse()?;
    source.check_tags(&feature, known)?;
    source.check_descriptions(&feature)?;
    source.check_scenarios(&feature)?;
    source.expand(feature)
}

/// Expands the outlines of a file that the build has parsed and a test has checked.
pub(super) fn expand_parsed(file: &str, parsed: &str) -> Result<Feature, FeatureError> {
    let source = Source { file, text: "" };
    let feature = serde_json::from_str(parsed).map_err(|error| source.wrong(1, error.to_string()))?;
    source.expand(feature)
}

struct Source<'a> {
    file: &'a str,
    text: &'a str,
}

impl<'a> Source<'a> {
    fn wrong(&self, line: usize, problem: String) -> FeatureError {
        FeatureError { file: self.file.to_owned(), line, problem }
    }

    fn parse(&self) -> Result<Feature, FeatureError> {
        let language = self.language()?;
        // The parser takes blanks behind the language for a part of it.
        let parsed = match language {
            Some(line) => Feature::parse(self.text.replacen(line, line.trim_end(), 1), GherkinEnv::default()),
            None => Feature::parse(self.text, GherkinEnv::default()),
        };
        parsed.map_err(|error| self.unparsable(&error.to_string(), language.is_none()))
    }

    fn expand(&self, mut feature: Feature) -> Result<Feature, FeatureError> {
        // Cucumber distinguishes scenarios of different files by the path.
        feature.path = Some(PathBuf::from(self.file));
        feature
            .expand_examples()
            .map_err(|error| self.wrong(error.pos.line, format!("<{}> is not a column of the examples", error.name)))
    }

    /// The lines with their numbers.
    fn lines(&self) -> impl Iterator<Item = (usize, &'a str)> + use<'a> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The lines below that one.
    fn below(&self, line: usize) -> impl Iterator<Item = (usize, &'a str)> + use<'a> {
        self.lines().skip(line)
    }

    /// The line that names the language, if there is one.
    fn language(&self) -> Result<Option<&'a str>, FeatureError> {
        static LANGUAGE: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"^\s*#\s*language\s*:\s*(\S*)\s*$").expect("a constant pattern"));
        // Most files name none: for them the expression is not compiled.
        let mut lines = self.lines().filter(|(_, text)| text.contains("language"));
        let named = lines.find_map(|(line, text)| Some((line, text, LANGUAGE.captures(text)?)));
        let Some((line, text, found)) = named else { return Ok(None) };
        if !is_language_supported(&found[1]) {
            let problem =
                format!("{:?} is not a language of Gherkin; write its code, as in `# language: de`", &found[1]);
            return Err(self.wrong(line, problem));
        }
        match self.lines().take(line - 1).find(|(_, text)| !text.trim().is_empty()) {
            Some((first, _)) => {
                Err(self.wrong(line, format!("the language must stand in the first line, above line {first}")))
            }
            None => Ok(Some(text)),
        }
    }

    /// The parser's error has its place only in its text, and names its own rules as what it expected.
    fn unparsable(&self, error: &str, english: bool) -> FeatureError {
        static PLACE: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"^Error at (\d+):(\d+): ").expect("a constant pattern"));
        if self.lines().all(|(_, line)| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return self.wrong(1, "the file has no feature; begin it with `Feature: NAME`".into());
        }
        if let Some((line, problem)) = self.uneven_table().or_else(|| self.open_text()) {
            return self.wrong(line, problem);
        }
        let reported = PLACE.captures(error).and_then(|found| found[1].parse().ok());
        // The parser looks ahead, and reports a line after the one at which it stopped.
        let line = self.behind_steps().filter(|_| english).or(reported).unwrap_or(1);
        let found = self.lines().skip(line - 1).find(|(_, text)| !text.trim().is_empty());
        let Some((line, text)) = found else {
            let last = self.text.lines().count().max(1);
            return self.wrong(last, "the file ends where something must follow: below tags stands a scenario".into());
        };
        let text = text.trim();
        let block = text.split_once(':').map(|(keyword, _)| keyword.trim());
        let problem = match block {
            Some("Feature") => "a file has one feature; move this one into a separate file".to_owned(),
            Some(keyword) if nearest(keyword, BLOCKS).is_some_and(|near| near != keyword) => {
                format!("no valid Gherkin: {text:?}{}", did_you_mean(keyword))
            }
            _ => format!(
                "no valid Gherkin: {text:?}; steps begin with Given, When, Then, And, But or *, and stand below a Scenario:"
            ),
        };
        self.wrong(line, problem)
    }

    /// The first line behind a step that is neither a step nor begins something.
    fn behind_steps(&self) -> Option<usize> {
        let mut text = OpenText::default();
        let mut in_steps = false;
        for (line, row) in self.lines() {
            let row = row.trim();
            let begins = |keyword: &str| row.strip_prefix(keyword).is_some_and(|rest| rest.starts_with(':'));
            if text.holds(row) || row.is_empty() || row.starts_with(['#', '@', '|']) {
                continue;
            }
            if BLOCKS.iter().any(|keyword| begins(keyword) && *keyword != BLOCKS[0]) {
                in_steps = false;
            } else if STEPS.iter().any(|keyword| row.starts_with(keyword)) {
                in_steps = true;
            } else if in_steps {
                return Some(line);
            }
        }
        None
    }

    /// The first row of a table that has another number of cells than the row above it.
    fn uneven_table(&self) -> Option<(usize, String)> {
        let mut above: Option<usize> = None;
        let mut text = OpenText::default();
        for (line, row) in self.lines() {
            let row = row.trim();
            if text.holds(row) || row.starts_with('#') {
                continue;
            }
            let cells = row.starts_with('|').then(|| cells(row));
            if let (Some(above), Some(cells)) = (above, cells)
                && above != cells
            {
                return Some((line, format!("this row has {cells} cells, and the row above it {above}")));
            }
            above = cells;
        }
        None
    }

    /// The line of a `"""` that has no end.
    fn open_text(&self) -> Option<(usize, String)> {
        let mut text = OpenText::default();
        let mut began = 0;
        for (line, row) in self.lines() {
            let was_open = text.0.is_some();
            text.holds(row.trim());
            if !was_open {
                began = line;
            }
        }
        text.0.map(|mark| (began, format!("the text that begins here has no {mark} at its end")))
    }

    /// Checks every tag where it is written: an expanded outline repeats those of its examples in each row.
    fn check_tags(&self, feature: &Feature, known: &Vocabulary) -> Result<(), FeatureError> {
        let examples = scenarios(feature).flat_map(|scenario| &scenario.examples);
        let tagged = std::iter::once((&feature.tags, feature.position))
            .chain(feature.rules.iter().map(|rule| (&rule.tags, rule.position)))
            .chain(scenarios(feature).map(|scenario| (&scenario.tags, scenario.position)))
            .chain(examples.map(|examples| (&examples.tags, examples.position)));
        for (tags, position) in tagged {
            for tag in tags {
                known.read(tag).map_err(|problem| self.wrong(self.line_of_tag(tag, position), problem))?;
            }
        }
        Ok(())
    }

    /// The line of a tag above a keyword: the parser keeps no positions of tags.
    fn line_of_tag(&self, tag: &str, keyword: LineCol) -> usize {
        let has = |line: &str| line.split('@').skip(1).any(|rest| rest.split_whitespace().next() == Some(tag));
        self.lines().take(keyword.line).filter(|(_, line)| has(line)).last().map_or(keyword.line, |(line, _)| line)
    }

    /// Checks that no line of a description was meant to be a step or a scenario.
    fn check_descriptions(&self, feature: &Feature) -> Result<(), FeatureError> {
        let backgrounds = feature.background.iter().chain(feature.rules.iter().flat_map(|rule| &rule.background));
        let examples = scenarios(feature).flat_map(|scenario| &scenario.examples);
        let described = std::iter::once((&feature.description, feature.position))
            .chain(feature.rules.iter().map(|rule| (&rule.description, rule.position)))
            .chain(backgrounds.map(|background| (&background.description, background.position)))
            .chain(scenarios(feature).map(|scenario| (&scenario.description, scenario.position)))
            .chain(examples.map(|examples| (&examples.description, examples.position)));
        for (description, position) in described {
            for line in description.iter().flat_map(|description| description.lines()) {
                if let Some(problem) = meant_otherwise(line) {
                    let place = self.below(position.line).find(|(_, text)| text.trim() == line.trim());
                    return Err(self.wrong(place.map_or(position.line, |(line, _)| line), problem));
                }
            }
        }
        Ok(())
    }

    /// Checks that everything that may hold scenarios or rows holds some.
    fn check_scenarios(&self, feature: &Feature) -> Result<(), FeatureError> {
        if let Some((line, problem)) = self.uneven_table() {
            return Err(self.wrong(line, problem));
        }
        if let Some(rule) = feature.rules.iter().find(|rule| rule.scenarios.is_empty()) {
            return Err(self.wrong(rule.position.line, "the rule has no scenario; is a keyword misspelt?".into()));
        }
        if scenarios(feature).next().is_none() {
            let problem = "the feature has no scenario; is a keyword misspelt?";
            return Err(self.wrong(feature.position.line, problem.into()));
        }
        for scenario in scenarios(feature) {
            let line = scenario.position.line;
            if scenario.name.trim().is_empty() {
                return Err(self.wrong(line, "the scenario has no name; reports need one".into()));
            }
            if scenario.steps.is_empty() {
                return Err(self.wrong(line, "the scenario has no steps, and would prove nothing".into()));
            }
            if is_outline(scenario) && scenario.examples.is_empty() {
                return Err(self.wrong(line, "the outline has no examples".into()));
            }
            scenario.examples.iter().try_for_each(|examples| self.check_examples(examples))?;
        }
        Ok(())
    }

    fn check_examples(&self, examples: &Examples) -> Result<(), FeatureError> {
        let rows = examples.table.as_ref().map_or(&[][..], |table| &table.rows);
        let line = examples.position.line;
        let [heading, _, ..] = rows else {
            return Err(self.wrong(line, "the examples have no row below a heading".into()));
        };
        match heading.iter().enumerate().find(|(index, column)| heading[..*index].contains(column)) {
            Some((_, column)) => Err(self.wrong(line, format!("the examples have two columns {column:?}"))),
            None => Ok(()),
        }
    }
}

fn scenarios(feature: &Feature) -> impl Iterator<Item = &Scenario> + Clone {
    feature.scenarios.iter().chain(feature.rules.iter().flat_map(|rule| &rule.scenarios))
}

/// Most languages have a separate keyword for an outline; a placeholder identifies one in all of them.
fn is_outline(scenario: &Scenario) -> bool {
    scenario.keyword == "Scenario Outline" || scenario.keyword == "Scenario Template"
}

/// The number of cells of a row.
fn cells(row: &str) -> usize {
    let mut escaped = false;
    let bars = row.chars().filter(|c| {
        let counts = *c == '|' && !escaped;
        escaped = *c == '\\' && !escaped;
        counts
    });
    bars.count().saturating_sub(1)
}

/// The marks before and behind a text of a step.
const MARKS: [&str; 2] = ["\"\"\"", "```"];

/// Whether lines stand within a text between `"""` or "```".
#[derive(Default)]
struct OpenText(Option<&'static str>);

impl OpenText {
    /// Whether that line belongs to such a text.
    fn holds(&mut self, line: &str) -> bool {
        if let Some(mark) = self.0 {
            if line.contains(mark) {
                self.0 = None;
            }
            return true;
        }
        // A text may end in its own line.
        let begins = |mark: &&&str| line.strip_prefix(**mark).is_some_and(|rest| !rest.contains(**mark));
        self.0 = MARKS.iter().find(begins).copied();
        self.0.is_some()
    }
}

/// What is wrong with a line of a description that was probably meant to be a step or to begin a scenario.
fn meant_otherwise(line: &str) -> Option<String> {
    let line = line.trim();
    if let Some((keyword, _)) = line.split_once(':') {
        let near = nearest(keyword.trim(), BLOCKS);
        if near.is_some() {
            return Some(format!("{line:?} is read as a description{}", did_you_mean(keyword.trim())));
        }
    }
    sentences::is_step(line).then(|| {
        format!("{line:?} is read as a description; a step begins with Given, When, Then, And, But or * and one blank")
    })
}

fn did_you_mean(keyword: &str) -> String {
    match nearest(keyword, BLOCKS) {
        Some(near) if near == keyword => format!("; `{near}:` cannot stand here"),
        Some(near) => format!("; did you mean `{near}:`?"),
        None => String::new(),
    }
}
