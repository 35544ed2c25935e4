//! The documents: what they name is there.

use std::path::Path;

use regex::Regex;

/// The documents, from the root of the project.
const DOCUMENTS: [&str; 4] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];

/// The rooms in which a path that a document names can lie.
const ROOM: &str = r"(?:src|steps|mocks|features|fixtures|tests|ci|\.ci)";

#[test]
fn every_path_that_a_document_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let quoted = Regex::new(&format!(r"[`(]({ROOM}/[A-Za-z0-9_./-]*)")).expect("a constant pattern");
    let mut count = 0;
    for document in DOCUMENTS {
        let text = std::fs::read_to_string(root.join(document)).expect("it is there");
        for path in quoted.captures_iter(&text).map(|found| found[1].to_owned()) {
            // What is to be filled in is written in capitals.
            let path = path.split("READER").next().unwrap_or_default();
            assert!(root.join(path).exists(), "{document} names {path}, which is not there");
            count += 1;
        }
    }
    assert!(count > 60, "{count} paths");
}
