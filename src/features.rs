//! The features: embedded in the binary or read from a directory, parsed, and held to the rules for tags.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bpconform_fixtures::{Allow, Requirements, Surfaces, System};
use cucumber::feature::Ext as _;
use cucumber::gherkin::{Feature, GherkinEnv, Rule, Scenario, Step};
use regex::Regex;

use crate::error::Error;

/// The features that are built in: file name and text, in the document's order.
const BUILT_IN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/features.rs"));

/// The state of the Author that a scenario starts from when its tags name none.
pub const USUAL_AUTHOR: &str = "configured";

/// A feature that cannot be used, with the place and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct FeatureError {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub problem: String,
}

/// One scenario, examples expanded, with what its tags say.
#[derive(Clone, Debug)]
pub struct Case {
    /// `<file stem>/<slug of the name>`, and `#<n>` for the n-th row of an outline's examples. Stable and unique.
    pub id: String,
    /// The file.
    pub file: String,
    /// The feature's name.
    pub feature: String,
    /// The scenario's name.
    pub name: String,
    /// Its line in the file, from 1; of an outline, the line of the examples' row.
    pub line: usize,
    /// All its tags without `@`, the feature's first.
    pub tags: Vec<String>,
    /// The requirements that it proves.
    pub requirements: Vec<String>,
    /// The least permission that it needs.
    pub allow: Allow,
    /// The state of the Author that it starts from: the name of a seed.
    pub author: String,
    /// The surfaces of unknown path that it sends to.
    pub surfaces: Vec<String>,
    /// The systems that must be mocks, which show what arrives.
    pub mocks: Vec<System>,
    /// The systems that it is about, and that must be real where the Author is: a mock would only prove itself.
    pub reals: Vec<System>,
    /// Whether it needs a clock that can be advanced.
    pub mock_clock: bool,
    /// Whether it does what cannot be undone.
    pub irreversible: bool,
    /// Whether it deletes the configuration that the Author has.
    pub replaces: bool,
    /// Its steps, the backgrounds' first.
    pub steps: Vec<Step>,
}

/// All features of a run.
#[derive(Clone, Debug)]
pub struct Features {
    /// As cucumber wants them.
    pub all: Vec<Feature>,
    /// Their scenarios, in the document's order.
    pub cases: Vec<Case>,
}

/// What tags may name.
#[derive(Clone, Debug)]
pub struct Known<'a> {
    /// The requirements.
    pub requirements: &'a Requirements,
    /// The surfaces.
    pub surfaces: &'a Surfaces,
    /// The names of the seeds.
    pub authors: &'a [&'a str],
}

impl Features {
    /// The features that are built in.
    pub fn built_in() -> Result<Self, Error> {
        let authors = crate::mock::seeds();
        let known = Known { requirements: Requirements::built_in(), surfaces: Surfaces::built_in(), authors: &authors };
        Self::read(None, &known)
    }

    /// Reads the features that are built in, or those of a directory.
    pub fn read(directory: Option<&Path>, known: &Known<'_>) -> Result<Self, Error> {
        let texts = match directory {
            Some(directory) => read_directory(directory)?,
            None => BUILT_IN.iter().map(|(name, text)| ((*name).to_owned(), Cow::Borrowed(*text))).collect(),
        };
        let mut features = Self { all: Vec::new(), cases: Vec::new() };
        for (file, text) in texts {
            features.add(&file, &text, known)?;
        }
        Ok(features)
    }

    pub(crate) fn add(&mut self, file: &str, text: &str, known: &Known<'_>) -> Result<(), FeatureError> {
        let feature = parse(file, text)?;
        self.cases.extend(cases(file, &feature, known)?);
        self.all.push(feature);
        Ok(())
    }
}

fn read_directory(directory: &Path) -> Result<Vec<(String, Cow<'static, str>)>, Error> {
    let unreadable = |file: &Path, error: &std::io::Error| {
        Error::Usage(format!("{}: {error}; name a directory of .feature files with --features", file.display()))
    };
    let entries = std::fs::read_dir(directory).map_err(|error| unreadable(directory, &error))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "feature"));
    files.sort();
    if files.is_empty() {
        return Err(Error::NoFeatures(directory.to_owned()));
    }
    files
        .into_iter()
        .map(|file| {
            let text = std::fs::read_to_string(&file).map_err(|error| unreadable(&file, &error))?;
            Ok((file.display().to_string(), Cow::Owned(text)))
        })
        .collect()
}

fn parse(file: &str, text: &str) -> Result<Feature, FeatureError> {
    let mut feature =
        Feature::parse(text, GherkinEnv::default()).map_err(|error| unparsable(file, &error.to_string()))?;
    // Cucumber tells scenarios of different files apart by the path.
    feature.path = Some(PathBuf::from(file));
    feature.expand_examples().map_err(|error| FeatureError {
        file: file.to_owned(),
        line: error.pos.line,
        problem: format!("<{}> is no column of the examples", error.name),
    })
}

/// The parser's error has its place only in its text.
fn unparsable(file: &str, error: &str) -> FeatureError {
    let place = Regex::new(r"^Error at (\d+):(\d+): ").expect("a constant pattern");
    let line = place.captures(error).and_then(|found| found[1].parse().ok()).unwrap_or(1);
    let expected = place.replace(error, "");
    FeatureError {
        file: file.to_owned(),
        line,
        problem: format!("no valid Gherkin; expected here is one of {}", expected.trim_matches(['{', '}'])),
    }
}

fn cases(file: &str, feature: &Feature, known: &Known<'_>) -> Result<Vec<Case>, FeatureError> {
    let with_rules = feature.rules.iter().flat_map(|rule| rule.scenarios.iter().map(move |case| (Some(rule), case)));
    let all = feature.scenarios.iter().map(|case| (None, case)).chain(with_rules);
    let mut cases = Vec::new();
    let mut rows = BTreeMap::<usize, usize>::new();
    for (rule, scenario) in all {
        let row = (!scenario.examples.is_empty()).then(|| {
            let row = rows.entry(scenario.span.start).or_default();
            *row += 1;
            *row
        });
        cases.push(case(file, feature, rule, scenario, row, known)?);
    }
    if cases.is_empty() {
        // A misspelt keyword makes all that follows a description.
        return Err(FeatureError {
            file: file.to_owned(),
            line: feature.position.line,
            problem: "the feature has no scenario; is a keyword misspelt?".into(),
        });
    }
    let mut lines = BTreeMap::new();
    for case in &cases {
        if let Some(line) = lines.insert(&case.id, case.line) {
            return Err(FeatureError {
                file: file.to_owned(),
                line: case.line,
                problem: format!("the scenario of line {line} has the same name; reports need different ones"),
            });
        }
    }
    Ok(cases)
}

fn case(
    file: &str,
    feature: &Feature,
    rule: Option<&Rule>,
    scenario: &Scenario,
    row: Option<usize>,
    known: &Known<'_>,
) -> Result<Case, FeatureError> {
    let wrong = |problem: String| FeatureError { file: file.to_owned(), line: scenario.position.line, problem };
    let stem = Path::new(file).file_stem().unwrap_or_default().to_string_lossy();
    let row = row.map_or_else(String::new, |row| format!("#{row}"));
    let rule_tags = rule.map_or(&[][..], |rule| &rule.tags);
    let tags: Vec<String> = feature.tags.iter().chain(rule_tags).chain(&scenario.tags).cloned().collect();
    let has = |name: &str| tags.iter().any(|tag| tag == name);
    let backgrounds = [feature.background.as_ref(), rule.and_then(|rule| rule.background.as_ref())];
    let steps = backgrounds.into_iter().flatten().flat_map(|background| &background.steps).chain(&scenario.steps);
    Ok(Case {
        id: format!("{stem}/{}{row}", slug(&scenario.name)),
        file: file.to_owned(),
        feature: feature.name.clone(),
        name: scenario.name.clone(),
        line: scenario.position.line,
        requirements: requirements(&tags, known).map_err(&wrong)?,
        allow: allow(&tags, &scenario.tags).map_err(&wrong)?,
        author: author(&tags, known).map_err(&wrong)?,
        surfaces: surfaces(&tags, known).map_err(&wrong)?,
        mocks: systems(&tags, "mock:").map_err(&wrong)?,
        reals: systems(&tags, "real:").map_err(wrong)?,
        mock_clock: has("mock-clock"),
        irreversible: has("irreversible"),
        replaces: has("replaces"),
        steps: steps.cloned().collect(),
        tags,
    })
}

fn requirements(tags: &[String], known: &Known<'_>) -> Result<Vec<String>, String> {
    let ids = tags.iter().filter(|tag| tag.starts_with("BP-"));
    ids.map(|id| match known.requirements.get(id) {
        Some(_) => Ok(id.clone()),
        None => Err(format!("@{id} is no requirement{}", did_you_mean(known.requirements.nearest(id), "@"))),
    })
    .collect()
}

/// Exactly one: the scenario's own, or else the feature's.
fn allow(all: &[String], own: &[String]) -> Result<Allow, String> {
    let levels = |tags: &[String]| tags.iter().filter_map(|tag| tag.parse().ok()).collect::<Vec<Allow>>();
    let found = if levels(own).is_empty() { levels(all) } else { levels(own) };
    match found[..] {
        [level] => Ok(level),
        [] => Err("no tag says what the scenario may do; give it one of @observe, @probe, @change".into()),
        _ => Err("several tags say what the scenario may do; keep one of @observe, @probe, @change".into()),
    }
}

fn author(tags: &[String], known: &Known<'_>) -> Result<String, String> {
    // The scenario's own tag comes last and counts.
    let Some(name) = tags.iter().rev().find_map(|tag| tag.strip_prefix("author:")) else {
        return Ok(USUAL_AUTHOR.to_owned());
    };
    if known.authors.contains(&name) {
        return Ok(name.to_owned());
    }
    let hint = did_you_mean(nearest(name, known.authors.iter().copied()), "@author:");
    Err(format!("@author:{name} is no state of an Author{hint}; there are {}", known.authors.join(", ")))
}

fn surfaces(tags: &[String], known: &Known<'_>) -> Result<Vec<String>, String> {
    let ids = tags.iter().filter_map(|tag| tag.strip_prefix("surface:"));
    ids.map(|id| match known.surfaces.find(id) {
        Some(_) => Ok(id.to_owned()),
        None => Err(format!("@surface:{id} is no surface{}", did_you_mean(known.surfaces.nearest(id), "@surface:"))),
    })
    .collect()
}

/// The systems that tags with that prefix name: `@mock:ims`.
fn systems(tags: &[String], prefix: &str) -> Result<Vec<System>, String> {
    let words = tags.iter().filter_map(|tag| tag.strip_prefix(prefix));
    words.map(|word| word.parse().map_err(|problem| format!("@{prefix}{word}: {problem}"))).collect()
}

fn did_you_mean(nearest: Option<&str>, prefix: &str) -> String {
    nearest.map_or_else(String::new, |nearest| format!("; did you mean {prefix}{nearest}?"))
}

/// The candidate that was probably meant by a mistyped word.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likenesses = candidates.into_iter().map(|candidate| (strsim::jaro_winkler(candidate, word), candidate));
    likenesses.filter(|(likeness, _)| *likeness > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, near)| near)
}

fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}
