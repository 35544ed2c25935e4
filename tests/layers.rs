//! Imports point down. `layers/floors.toml` holds the floors of each crate; an import that points up, or a cycle inside a floor,
//! fails with the file, the line and the import.

mod imports;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use imports::{Import, Sources};

#[derive(Deserialize)]
struct Floors {
    #[serde(rename = "crate")]
    crates: Vec<CrateFloors>,
}

#[derive(Deserialize)]
struct CrateFloors {
    path: String,
    floor: Vec<Floor>,
}

#[derive(Deserialize)]
struct Floor {
    name: String,
    files: Vec<String>,
}

impl CrateFloors {
    /// The number of a file's floor, from the top; the longest entry that holds the file counts.
    fn floor_of(&self, file: &str) -> Option<usize> {
        let holds =
            |entry: &String| file == entry || entry == "*" || entry.ends_with('/') && file.starts_with(entry.as_str());
        let entries = self
            .floor
            .iter()
            .enumerate()
            .flat_map(|(number, floor)| floor.files.iter().map(move |entry| (entry, number)));
        entries.filter(|(entry, _)| holds(entry)).max_by_key(|(entry, _)| entry.len()).map(|(_, number)| number)
    }

    fn name_of(&self, file: &str) -> &str {
        self.floor_of(file).map_or("no floor", |number| &self.floor[number].name)
    }

    /// What breaks the rules in these sources, each as a message.
    fn violations(&self, sources: &Sources) -> Vec<String> {
        let without_floor = sources.files().filter(|file| *file != "lib.rs" && self.floor_of(file).is_none());
        let mut found: Vec<String> = without_floor
            .map(|file| format!("{}/{file} has no floor; add it to tests/layers/floors.toml", self.path))
            .collect();
        let imports: Vec<Import> = sources.imports();
        for import in &imports {
            if self.floor_of(&import.from) > self.floor_of(&import.to) && self.floor_of(&import.to).is_some() {
                found.push(format!(
                    "{}, from \"{}\" up to \"{}\"",
                    self.shown(import),
                    self.name_of(&import.from),
                    self.name_of(&import.to)
                ));
            }
        }
        found.extend(cycle(&imports).map(|cycle| {
            let arrows: Vec<String> = cycle.iter().map(|import| self.shown(import)).collect();
            format!("these imports form a cycle:\n  {}", arrows.join("\n  "))
        }));
        found
    }

    fn shown(&self, import: &Import) -> String {
        format!("{}/{}:{} imports {} of {}", self.path, import.from, import.line, import.path, import.to)
    }
}

/// A shortest cycle of imports, if there is one.
fn cycle(imports: &[Import]) -> Option<Vec<&Import>> {
    let mut arrows: BTreeMap<&str, Vec<&Import>> = BTreeMap::new();
    for import in imports {
        arrows.entry(&import.from).or_default().push(import);
    }
    let cycles = arrows.keys().filter_map(|start| way_back(start, &arrows));
    cycles.min_by_key(Vec::len)
}

/// The shortest way from a file back to itself.
fn way_back<'a>(start: &str, arrows: &BTreeMap<&'a str, Vec<&'a Import>>) -> Option<Vec<&'a Import>> {
    let mut seen = BTreeSet::new();
    let mut ways: Vec<Vec<&Import>> = arrows.get(start)?.iter().map(|import| vec![*import]).collect();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let end = way.last()?.to.as_str();
            if end == start {
                return Some(way);
            }
            if seen.insert(end) {
                let next = arrows.get(end).into_iter().flatten();
                longer.extend(next.map(|import| way.iter().copied().chain([*import]).collect::<Vec<_>>()));
            }
        }
        ways = longer;
    }
    None
}

fn floors() -> Floors {
    toml::from_str(include_str!("layers/floors.toml")).expect("the floors are readable")
}

#[test]
fn imports_point_down_and_form_no_cycle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for floors in floors().crates {
        let sources = Sources::read(&root.join(&floors.path));
        assert!(sources.imports().len() > 4, "{}: no imports were read", floors.path);
        found.extend(floors.violations(&sources));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_floor_names_files_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for floors in floors().crates {
        for file in floors.floor.iter().flat_map(|floor| &floor.files).filter(|file| *file != "*") {
            assert!(root.join(&floors.path).join(file).exists(), "{}/{file} does not exist", floors.path);
        }
    }
}

/// The violations in a crate of these files, which stand on floors of their own, the first on top.
fn violations_of(files: &[(&str, &str)]) -> Vec<String> {
    let floor = files.iter().map(|(file, _)| Floor { name: (*file).to_owned(), files: vec![(*file).to_owned()] });
    let floors = CrateFloors { path: "src".into(), floor: floor.collect() };
    floors.violations(&Sources::of(files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned()))))
}

#[test]
fn an_import_that_points_up_is_named_with_its_line() {
    for upward in [
        "\nuse crate::top::Thing;",
        "\nuse crate::{low, top::{self, Thing}};",
        "\nfn f() { crate::top::call() }",
        "\nfn f() { super::top::call() }",
        "\nfn f() { println!(\"{}\", crate::top::call()) }",
        "\nmod inner { fn f() { super::super::top::call() } }",
        "\nuse crate::top as other;",
    ] {
        let found = violations_of(&[("top.rs", ""), ("low.rs", upward)]);
        assert!(
            found.iter().any(|one| one.contains("src/low.rs:2 imports") && one.contains("of top.rs")),
            "{upward}: {found:?}"
        );
    }
}

#[test]
fn what_is_no_import_of_the_program_is_ignored() {
    for harmless in [
        "// crate::top::Thing",
        "const A: &str = \"crate::top::Thing\";",
        "#[cfg(test)]\nmod tests { use crate::top::Thing; }",
        "#[cfg(test)]\nuse crate::top::Thing;",
        "use other::top::Thing;",
    ] {
        assert_eq!(
            violations_of(&[("top.rs", "use crate::low;"), ("low.rs", harmless)]),
            Vec::<String>::new(),
            "{harmless}"
        );
    }
}

#[test]
fn a_cycle_inside_a_floor_and_a_file_without_a_floor_are_named() {
    let floors = CrateFloors {
        path: "src".into(),
        floor: vec![Floor { name: "all".into(), files: vec!["a.rs".into(), "b.rs".into(), "c/".into()] }],
    };
    let files = [
        ("lib.rs", "pub use c::d::D;"),
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "use crate::D;"),
        ("c/mod.rs", ""),
        ("c/d.rs", "use crate::a;"),
        ("e.rs", ""),
    ];
    let files = files.map(|(file, text)| (file.to_owned(), text.to_owned()));
    let found = floors.violations(&Sources::of(files));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("src/e.rs has no floor"), "{found:?}");
    assert!(
        found[1].contains("src/a.rs:1 imports") && found[1].contains("src/b.rs:1 imports crate::D of c/d.rs"),
        "{found:?}"
    );
}

#[test]
fn the_mocks_and_the_steps_do_not_depend_on_each_other() {
    for (manifest, other) in [("steps/Cargo.toml", "bpconform-mocks"), ("mocks/Cargo.toml", "bpconform-steps")] {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(manifest)).expect("a manifest");
        assert!(!text.contains(other), "{manifest} names {other}: a mock that shares code with a check proves nothing");
    }
}

#[test]
fn nothing_below_the_command_line_knows_clap() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let floors = floors().crates.into_iter().find(|one| one.path == "src").expect("the command");
    let command_line = floors.floor_of("cli/mod.rs").expect("the command line has a floor");
    for file in Sources::read(&root.join("src")).files() {
        let text = std::fs::read_to_string(root.join("src").join(file)).expect("a file");
        let below = floors.floor_of(file).is_some_and(|floor| floor > command_line);
        assert!(!below || !text.contains("clap::"), "src/{file} uses clap; its values come from src/cli");
    }
}
