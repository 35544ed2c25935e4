//! The features: embedded in the binary or read from a directory, parsed, and checked against the rules for tags.

mod gherkin;
mod sentences;

pub(crate) use sentences::{sentences, steps};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bpconform_fixtures::{Allow, Product, System};
use cucumber::gherkin::{Feature, Rule, Scenario, Step};

use crate::error::{Error, FeatureError};
use crate::tags::{Tag, Vocabulary};
use crate::text_file::{self, with_line_feeds};

/// The built-in features: file name, text, and the parsed text as JSON, in the document's order.
const BUILT_IN: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/features.rs"));

/// The state of the Author at the start of a scenario whose tags name none.
pub const USUAL_AUTHOR: &str = "configured";

/// One scenario, with expanded examples and the meaning of its tags.
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
    /// The permission level that it needs.
    pub allow: Allow,
    /// The state of the Author at its start: the name of a seed.
    pub author: String,
    /// The endpoints of unknown path that it sends to.
    pub surfaces: Vec<String>,
    /// The systems that must be mocks, because only mocks show what arrives.
    pub mocks: Vec<System>,
    /// The systems under test, which must be real if the Author is: a mock would only prove itself.
    pub reals: Vec<System>,
    /// The products that it is about; all without any.
    pub products: Vec<Product>,
    /// Whether it needs a clock that can be advanced.
    pub mock_clock: bool,
    /// Whether it makes changes that cannot be undone.
    pub irreversible: bool,
    /// Whether it deletes the Author's existing configuration.
    pub replaces: bool,
    /// Its steps, the backgrounds' first.
    pub steps: Vec<Step>,
}

/// All features of a run.
#[derive(Clone, Debug)]
pub struct Features {
    /// The features in cucumber's representation.
    pub all: Vec<Feature>,
    /// Their scenarios, in the document's order.
    pub cases: Vec<Arc<Case>>,
}

impl Features {
    /// The built-in features.
    pub fn built_in() -> Result<Self, Error> {
        Self::read(None, Vocabulary::built_in())
    }

    /// Reads the features of a directory, or the built-in ones.
    pub fn read(directory: Option<&Path>, known: &Vocabulary) -> Result<Self, Error> {
        let mut features = Self { all: Vec::new(), cases: Vec::new() };
        match directory {
            Some(directory) => {
                for (file, text) in read_directory(directory)? {
                    features.add(&file, &text, known)?;
                }
            }
            None => BUILT_IN.iter().try_for_each(|(file, _, parsed)| {
                let feature = gherkin::expand_parsed(file, parsed)?;
                features.take(file, feature, known)
            })?,
        }
        Ok(features)
    }

    /// Adds a feature of somebody else's.
    pub(crate) fn add(&mut self, file: &str, text: &str, known: &Vocabulary) -> Result<(), FeatureError> {
        let mut feature = gherkin::parse(file, &with_line_feeds(text), known)?;
        cases(file, &feature, known)?;
        sentences::resolve(file, &mut feature)?;
        self.take(file, feature, known)
    }

    fn take(&mut self, file: &str, feature: Feature, known: &Vocabulary) -> Result<(), FeatureError> {
        self.cases.extend(cases(file, &feature, known)?.into_iter().map(Arc::new));
        self.all.push(feature);
        Ok(())
    }
}

fn read_directory(directory: &Path) -> Result<Vec<(String, String)>, Error> {
    let unreadable = |file: &Path, error: &std::io::Error| {
        let hint = match error.kind() {
            std::io::ErrorKind::InvalidData => "",
            _ => "; name a directory of .feature files with --features",
        };
        Error::Usage(format!("{}: {error}{hint}", file.display()))
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
            let text = text_file::read(&file).map_err(|error| unreadable(&file, &error))?;
            Ok((file.display().to_string(), text))
        })
        .collect()
}

fn cases(file: &str, feature: &Feature, known: &Vocabulary) -> Result<Vec<Case>, FeatureError> {
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
    known: &Vocabulary,
) -> Result<Case, FeatureError> {
    let wrong = |problem: String| FeatureError { file: file.to_owned(), line: scenario.position.line, problem };
    let stem = Path::new(file).file_stem().unwrap_or_default().to_string_lossy();
    let row = row.map_or_else(String::new, |row| format!("#{row}"));
    let read = |tags: &[String]| tags.iter().map(|tag| known.read(tag)).collect::<Result<Vec<Tag>, _>>();
    let of_rule = rule.map_or(&[][..], |rule| &rule.tags);
    let levels = [read(&feature.tags), read(of_rule), read(&scenario.tags)];
    let levels = levels.into_iter().collect::<Result<Vec<_>, _>>().map_err(&wrong)?;
    let backgrounds = [feature.background.as_ref(), rule.and_then(|rule| rule.background.as_ref())];
    let steps = backgrounds.into_iter().flatten().flat_map(|background| &background.steps).chain(&scenario.steps);
    let mut case = Case {
        id: format!("{stem}/{}{row}", slug(&scenario.name)),
        file: file.to_owned(),
        feature: feature.name.clone(),
        name: scenario.name.clone(),
        line: scenario.position.line,
        tags: Vec::new(),
        requirements: Vec::new(),
        allow: allow(&levels).map_err(&wrong)?,
        author: author(&levels).map_err(&wrong)?,
        surfaces: Vec::new(),
        mocks: Vec::new(),
        reals: Vec::new(),
        products: Vec::new(),
        mock_clock: false,
        irreversible: false,
        replaces: false,
        steps: steps.cloned().collect(),
    };
    levels.into_iter().flatten().for_each(|tag| case.tag(tag));
    Ok(case)
}

impl Case {
    /// Takes a tag over. Most tags add up; permission level and seed depend on where a tag stands.
    fn tag(&mut self, tag: Tag) {
        if self.tags.contains(&tag.text()) {
            return;
        }
        self.tags.push(tag.text());
        match tag {
            Tag::Requirement(id) => self.requirements.push(id),
            Tag::Surface(id) => self.surfaces.push(id),
            Tag::Mock(system) => self.mocks.push(system),
            Tag::Real(system) => self.reals.push(system),
            Tag::Product(product) => self.products.push(product),
            Tag::MockClock => self.mock_clock = true,
            Tag::Irreversible => self.irreversible = true,
            Tag::Replaces => self.replaces = true,
            Tag::Allow(_) | Tag::Author(_) | Tag::Own(_) => {}
        }
    }
}

/// The values that the innermost level with such tags names, each once: the scenario's, the rule's or the feature's.
fn innermost<'a, T: PartialEq>(levels: &'a [Vec<Tag>], value: impl Fn(&'a Tag) -> Option<T>) -> Vec<T> {
    let named = levels.iter().rev().map(|tags| tags.iter().filter_map(&value).collect::<Vec<T>>());
    let mut named = named.into_iter().find(|values| !values.is_empty()).unwrap_or_default();
    named.dedup();
    named
}

fn allow(levels: &[Vec<Tag>]) -> Result<Allow, String> {
    let named = innermost(levels, |tag| if let Tag::Allow(level) = tag { Some(*level) } else { None });
    match named[..] {
        [level] => Ok(level),
        [] => Err("no tag says what the scenario may do; give it one of @observe, @probe, @change".into()),
        _ => Err("several tags say what the scenario may do; keep one of @observe, @probe, @change".into()),
    }
}

fn author(levels: &[Vec<Tag>]) -> Result<String, String> {
    let named = innermost(levels, |tag| if let Tag::Author(seed) = tag { Some(seed) } else { None });
    match &named[..] {
        [] => Ok(USUAL_AUTHOR.to_owned()),
        [seed] => Ok((*seed).clone()),
        [first, second, ..] => {
            Err(format!("the scenario cannot start both from @author:{first} and from @author:{second}; keep one"))
        }
    }
}

fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests;
