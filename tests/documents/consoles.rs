//! Every console block of the documents is run, and compared with its real output.

use super::compare::{is_shown, normal};
use super::markdown::{Block, Shown, blocks};
use super::session::Session;
use super::{documents, name, read};
use crate::support;

/// What a block can need that a test does not have.
const NEEDS: [&str; 6] = ["author", "cargo", "docker", "keytool", "minutes", "npm"];

#[test]
fn every_console_block_prints_what_it_shows() {
    let all = documents();
    let failures: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = all.iter().map(|page| scope.spawn(move || check(page))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a page is checked")).collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn no_command_is_in_a_block_that_is_not_checked() {
    const LANGUAGES: [&str; 4] = ["console", "gherkin", "text", "toml"];
    let (mut run, mut not_run) = (0, 0);
    for page in documents() {
        for block in blocks(&read(&page)) {
            let language = &block.language;
            assert!(LANGUAGES.contains(&language.as_str()), "{}:{}: `{language}`", name(&page), block.line);
            let commands = if language == "console" { block.commands().len() } else { 0 };
            *if block.needs.is_some() { &mut not_run } else { &mut run } += commands;
        }
    }
    assert!(run > 40 && not_run < run / 2, "{run} commands run, {not_run} are not");
}

/// What is wrong with the console blocks of a page.
fn check(page: &std::path::Path) -> Vec<String> {
    let text = read(page);
    let blocks = blocks(&text);
    let mut failures: Vec<_> = blocks.iter().filter(|block| block.needs.is_some()).flat_map(flags).collect();
    let run: Vec<_> = blocks.iter().filter(|block| block.needs.is_none()).collect();
    if run.iter().any(|block| block.language == "console") {
        failures.extend(session_of(page, &text, &run));
    }
    failures.into_iter().map(|failure| format!("{}:{failure}", name(page))).collect()
}

/// Runs the blocks of a page in one session, from top to bottom.
fn session_of(page: &std::path::Path, text: &str, blocks: &[&Block]) -> Vec<String> {
    let stem = page.file_stem().and_then(|stem| stem.to_str()).expect("UTF-8").to_lowercase();
    let session = Session::new(&stem, text);
    let mut commands = Vec::new();
    for block in blocks {
        match (&block.file, block.language.as_str()) {
            (Some(file), _) => commands.push((None, Session::writing(file, &block.text))),
            (None, "console") => commands.extend(block.commands().into_iter().map(|shown| {
                let command = shown.command.clone();
                (Some(shown), command)
            })),
            (None, _) => {}
        }
    }
    let printed = session.run(commands.iter().map(|(_, command)| command.as_str()));
    commands
        .iter()
        .zip(printed)
        .filter_map(|((shown, _), (code, out))| difference(shown.as_ref()?, code, &out))
        .collect()
}

/// How the output of a command differs from what the document shows.
fn difference(shown: &Shown, code: i32, out: &str) -> Option<String> {
    let trimmed = |lines: &mut dyn Iterator<Item = &str>| {
        let lines: Vec<_> = lines.map(normal).collect();
        let end = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
        let start = lines.iter().position(|line| !line.is_empty()).unwrap_or(0);
        lines[start..end].to_vec()
    };
    let expected = trimmed(&mut shown.output.iter().map(String::as_str));
    let printed = trimmed(&mut out.lines());
    let same = code == shown.exit && is_shown(&expected, &printed);
    (!same).then(|| {
        let (line, command, exit) = (shown.line, &shown.command, shown.exit);
        let (expected, printed) = (expected.join("\n"), printed.join("\n"));
        format!("{line}: $ {command}\n--- shown, exit {exit}\n{expected}\n--- printed, exit {code}\n{printed}")
    })
}

/// What is wrong with the flags of a block that cannot be run.
fn flags(block: &Block) -> Vec<String> {
    let needs = block.needs.as_deref().unwrap_or_default();
    assert!(NEEDS.contains(&needs), "line {}: needs={needs} is unknown, use one of {NEEDS:?}", block.line);
    block.commands().iter().filter_map(unknown_flag).collect()
}

/// The message of the command line about a command of `bpconform` that it does not accept. A flag that does not exist is
/// added at the end: if the message is about that one, everything before it was accepted. Files that the command names, as
/// `--mount` does, exist.
fn unknown_flag(shown: &Shown) -> Option<String> {
    const END: &str = "--the-end-of-the-command";
    let command = shown.command.replace("\\\n", " ");
    let words: Vec<_> =
        command.split_whitespace().take_while(|word| *word != "#" && *word != "|" && *word != ">").collect();
    let start = words.iter().position(|word| *word == "bpconform")?;
    let arguments: Vec<_> = words[start + 1..].iter().copied().filter(|word| *word != "…").chain([END]).collect();
    let files = support::directory(&format!("document-flags-{:x}", hash(&shown.command)));
    std::fs::write(files.join("license.properties"), "").expect("a new file");
    let output = support::command(&arguments).current_dir(files).output().expect("the command starts");
    let problem = String::from_utf8_lossy(&output.stderr);
    (!problem.contains(END)).then(|| format!("{}: $ {}\n{problem}", shown.line, shown.command))
}

/// A number for a text.
fn hash(text: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
