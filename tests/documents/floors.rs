//! The floors in ARCHITECTURE.md are those that are enforced.

use serde::Deserialize;

use super::{read, root};

#[derive(Deserialize)]
struct Floors {
    #[serde(rename = "crate")]
    crates: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    path: String,
    floor: Vec<Floor>,
}

#[derive(Deserialize)]
struct Floor {
    name: String,
}

#[test]
fn the_floors_of_the_architecture_are_the_enforced_ones() {
    let floors: Floors = toml::from_str(&read(&root().join("tests/layers/floors.toml"))).expect("a list of floors");
    let document = read(&root().join("ARCHITECTURE.md"));
    for (heading, path) in [("### The command", "src"), ("### The steps", "steps/src"), ("### The mocks", "mocks/src")]
    {
        let enforced = floors.crates.iter().find(|one| one.path == path).expect("the floors of a crate");
        let names: Vec<_> = enforced.floor.iter().map(|floor| floor.name.as_str()).collect();
        assert_eq!(first_column(&document, heading), names, "{heading}");
    }
}

/// The first column of the table below a heading.
fn first_column<'a>(document: &'a str, heading: &str) -> Vec<&'a str> {
    let (_, below) = document.split_once(&format!("{heading}\n")).unwrap_or_else(|| panic!("no heading {heading}"));
    let rows = below.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    rows.skip(2).filter_map(|row| row.split('|').nth(1)).map(str::trim).collect()
}
