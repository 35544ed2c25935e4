//! Anything can come from outside: every reader gets the corpus and random changes of it. None panics and
//! none hangs. `ci/fuzz.sh` does the same for longer, guided by coverage.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use bpconform::outside::readers;
use bpconform_steps::outside::Reader;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// The longest that a reader may take for one input, in a debug build on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

/// How many changed inputs each reader gets.
const CASES: u32 = 300;

fn corpus(reader: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/corpus").join(reader);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be listed").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "there is nothing to begin with for {reader}");
    files.iter().map(|file| std::fs::read(file).expect("it can be read")).collect()
}

/// One change of an input.
#[derive(Clone, Debug)]
enum Change {
    Cut(usize),
    Flip(usize, u8),
    Repeat(usize, usize, usize),
    Insert(usize, &'static str),
    Remove(usize, usize),
}

/// Input that is hard to read: nested brackets, numbers that do not fit, incomplete escapes.
const WORDS: [&str; 16] = [
    "\0",
    "\u{fffd}",
    "{",
    "[[[[[[[[[[[[[[[[",
    "\"",
    "\\u",
    "-1",
    "99999999999999999999999",
    "1e400",
    "null",
    "<",
    "&#x",
    "<script>",
    "\r\n\r\n",
    "=",
    "%",
];

fn change() -> impl Strategy<Value = Change> {
    let at = 0..100_000_usize;
    prop_oneof![
        at.clone().prop_map(Change::Cut),
        (at.clone(), any::<u8>()).prop_map(|(at, bits)| Change::Flip(at, bits)),
        (at.clone(), 1..64_usize, 2..50_usize).prop_map(|(at, length, times)| Change::Repeat(at, length, times)),
        (at.clone(), proptest::sample::select(&WORDS[..])).prop_map(|(at, word)| Change::Insert(at, word)),
        (at, 1..200_usize).prop_map(|(at, length)| Change::Remove(at, length)),
    ]
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let length = bytes.len();
        let place = |at: usize| at % (length + 1);
        match *change {
            Change::Cut(at) => bytes.truncate(place(at)),
            Change::Flip(at, bits) => bytes.iter_mut().skip(place(at)).take(1).for_each(|byte| *byte ^= bits),
            Change::Insert(at, word) => drop(bytes.splice(place(at)..place(at), word.bytes())),
            Change::Remove(at, many) => drop(bytes.drain(place(at)..(place(at) + many).min(length))),
            Change::Repeat(at, many, times) => {
                let part = bytes[place(at)..(place(at) + many).min(length)].repeat(times);
                bytes.splice(place(at)..place(at), part);
            }
        }
    }
    bytes
}

/// Feeds a reader within the limit; a panic is returned as the error.
fn feed(name: &str, reader: Reader, bytes: Vec<u8>) -> Result<(), TestCaseError> {
    let (done, waits) = mpsc::channel();
    let kept = bytes.clone();
    let thread = std::thread::spawn(move || {
        reader(&bytes);
        let _ = done.send(());
    });
    let problem = match waits.recv_timeout(LIMIT) {
        Ok(()) => return Ok(()),
        Err(mpsc::RecvTimeoutError::Timeout) => "took too long",
        Err(mpsc::RecvTimeoutError::Disconnected) => "panicked",
    };
    let panicked = thread.is_finished() && thread.join().is_err();
    Err(TestCaseError::fail(format!("{name} {problem} ({panicked}) at {:?}", String::from_utf8_lossy(&kept))))
}

#[test]
fn no_reader_panics_or_hangs_whatever_it_gets() {
    let mut count = 0;
    for (name, reader) in readers() {
        let corpus = corpus(name);
        for input in &corpus {
            feed(name, reader, input.clone()).expect("the corpus can be read");
        }
        let inputs = (proptest::sample::select(corpus), proptest::collection::vec(change(), 1..6));
        let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
        let result = runner.run(&inputs, |(bytes, changes)| feed(name, reader, changed(bytes, &changes)));
        result.unwrap_or_else(|error| panic!("{error}"));
        count += 1;
    }
    assert_eq!(count, 20, "each reader has a folder in fixtures/corpus and a target in tests/fuzz");
}
