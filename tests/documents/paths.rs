//! Paths and links in the documents.

use regex::Regex;

use super::{documents, name, read, root};

/// The top directories of the paths that a document can name.
const ROOM: &str = r"(?:src|steps|mocks|features|fixtures|tests|ci|docs|\.ci)";

/// The part of a path that a reader fills in is written in capitals.
const PLACEHOLDER: &str = r"[A-Z]{3,}";

#[test]
fn every_path_that_a_document_names_exists() {
    let quoted = Regex::new(&format!(r"[`(]({ROOM}/[A-Za-z0-9_./-]*)")).expect("a constant pattern");
    let placeholder = Regex::new(PLACEHOLDER).expect("a constant pattern");
    let mut count = 0;
    for document in documents() {
        for path in quoted.captures_iter(&read(&document)).map(|found| found[1].to_owned()) {
            let path = placeholder.split(&path).next().unwrap_or_default();
            assert!(root().join(path).exists(), "{} names {path}, which does not exist", name(&document));
            count += 1;
        }
    }
    assert!(count > 60, "{count} paths");
}

#[test]
fn every_link_between_documents_leads_to_a_file_and_a_heading() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").expect("a constant pattern");
    let mut count = 0;
    for document in documents() {
        for target in link.captures_iter(&prose(&read(&document))).map(|found| found[1].to_owned()) {
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let folder = document.parent().expect("a document is in a directory");
            let path = if file.is_empty() { document.clone() } else { folder.join(file) };
            assert!(path.exists(), "{} links to {target}, which does not exist", name(&document));
            assert!(
                anchor.is_empty() || anchors(&read(&path)).iter().any(|known| known == anchor),
                "{} links to {target}, and that heading does not exist",
                name(&document)
            );
            count += 1;
        }
    }
    assert!(count > 20, "{count} links");
}

/// The anchors of a document's headings, as GitHub makes them.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
    let anchor = |line: &str| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        title.chars().filter(kept).map(|letter| if letter == ' ' { '-' } else { letter }).collect()
    };
    headings.map(anchor).collect()
}

/// The text of a document without its fenced blocks.
fn prose(text: &str) -> String {
    text.split("\n```").step_by(2).collect::<Vec<_>>().join("\n")
}
