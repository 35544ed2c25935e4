//! The checklists of CONTRIBUTING.md name every place that an addition touches. Each has an example: no other file may
//! mention it.

use std::path::{Path, PathBuf};

use regex::Regex;

use super::{read, root};

/// The directories that are searched for examples.
const SEARCHED: [&str; 7] = ["src", "steps", "mocks", "features", "fixtures", "tests", "ci"];

/// What mentions examples without being a place of registration: data of tests, and what is reviewed as a snapshot.
const NOT_A_PLACE: [&str; 3] = ["fixtures/schema/", "tests/documents/", "tests/sling/"];

/// One checklist.
struct Checklist {
    title: String,
    examples: Vec<Regex>,
    items: Vec<Item>,
}

/// One item of a checklist.
struct Item {
    paths: Vec<String>,
    /// Whether it applies to some additions only.
    conditional: bool,
}

#[test]
fn every_checklist_names_the_places_of_its_example() {
    let checklists = checklists();
    assert!(checklists.len() >= 8, "{} checklists", checklists.len());
    let files = files();
    let wrong: Vec<_> = checklists.iter().flat_map(|checklist| checklist.problems(&files)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

impl Checklist {
    /// What is wrong with it.
    fn problems(&self, files: &[(String, String)]) -> Vec<String> {
        let mentions = |text: &str| self.examples.iter().any(|example| example.is_match(text));
        let mentions = |(file, text): &&(String, String)| mentions(file) || mentions(text);
        let mentioning: Vec<_> = files.iter().filter(mentions).map(|(file, _)| file.as_str()).collect();
        let names = |path: &String, file: &str| file == path || path.ends_with('/') && file.starts_with(path.as_str());
        let unnamed = mentioning.iter().filter(|file| !self.items.iter().any(|item| item.names(file)));
        let mut problems: Vec<_> = unnamed.map(|file| format!("{}: {file} is not named", self.title)).collect();
        for item in self.items.iter().filter(|item| !item.conditional) {
            let searched = item.paths.iter().filter(|path| SEARCHED.iter().any(|room| path.starts_with(room)));
            let without = searched.filter(|path| !mentioning.iter().any(|file| names(path, file)));
            problems.extend(without.map(|path| format!("{}: {path} does not mention the example", self.title)));
        }
        problems
    }
}

impl Item {
    /// Whether it names that file, or a directory that contains it.
    fn names(&self, file: &str) -> bool {
        self.paths.iter().any(|path| file == path || path.ends_with('/') && file.starts_with(path.as_str()))
    }
}

/// The checklists of CONTRIBUTING.md.
fn checklists() -> Vec<Checklist> {
    let text = read(&root().join("CONTRIBUTING.md"));
    let sections = text.split("\n### ").skip(1);
    sections.filter(|section| section.contains("- [ ] ")).map(checklist).collect()
}

fn checklist(section: &str) -> Checklist {
    let path =
        Regex::new(r"`((?:src|steps|mocks|features|fixtures|tests|ci|docs)/[A-Za-z0-9_./-]*)`").expect("constant");
    let quoted = Regex::new("`([^`]+)`").expect("a constant pattern");
    let own = section.split("\n## ").next().unwrap_or_default();
    let title = own.lines().next().unwrap_or_default().to_owned();
    let line = own.lines().find(|line| line.starts_with("Example: ")).unwrap_or_else(|| panic!("{title}: no example"));
    let word = |word: &str| Regex::new(&format!(r"(?:^|[^\w-]){}(?:$|[^\w-])", regex::escape(word)));
    let examples = quoted.captures_iter(line).map(|found| word(&found[1]).expect("an escaped pattern")).collect();
    let items = own.lines().filter_map(|line| line.strip_prefix("- [ ] ")).map(|item| Item {
        paths: path.captures_iter(item).map(|found| found[1].to_owned()).collect(),
        conditional: item.starts_with("if ") || item.starts_with("the snapshot"),
    });
    Checklist { title, examples, items: items.collect() }
}

/// The files that are searched, with their texts.
fn files() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for room in SEARCHED {
        collect(&root().join(room), &mut files);
    }
    files
}

fn collect(directory: &Path, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(directory).expect("a directory of the project") {
        let path: PathBuf = entry.expect("an entry").path();
        let name = path.strip_prefix(root()).expect("a path of the project").display().to_string();
        let skipped = NOT_A_PLACE.iter().any(|place| name.starts_with(place.trim_end_matches('/')));
        if skipped || name.contains("node_modules") || name.contains("/target") || name.ends_with(".snap") {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            // A corpus is not a place of registration: only its file names count.
            let text = if name.starts_with("fixtures/corpus/") { String::new() } else { text };
            files.push((name, text));
        }
    }
}
