//! The journal of a run: every change and the operations that undo it, written to disk before the change is sent. A killed
//! run leaves it behind, and `bpconform clean` reads it to undo the remaining changes.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bpconform_fixtures::Surfaces;
use fs4::fs_std::FileExt as _;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::stack::Stack;
use crate::undo::{AFTERMATH, AGENTS, CONFIGURATIONS, USERS, Undo};

/// The version of the journal's form.
pub const FORMAT: u32 = 1;

/// One line of a journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "kebab-case")]
pub enum Line {
    /// The first line: the run that the journal belongs to.
    Run(Box<Header>),
    /// A change that is about to be sent.
    Change(Change),
    /// It was answered, or left without an answer.
    Answered {
        /// The change's number.
        number: u64,
        /// The HTTP status.
        status: Option<u16>,
        /// When.
        at: Timestamp,
    },
    /// It was undone.
    Undone {
        /// The change's number.
        number: u64,
    },
    /// How far the run is with nodes of a configuration that it puts back later.
    Nodes {
        /// The number of the change that puts it back.
        number: u64,
        /// Their paths.
        paths: Vec<String>,
        /// How far it is.
        stage: NodeStage,
    },
    /// What the target has made under names that are not the run's.
    Made {
        /// The number of the change that made it.
        number: u64,
        /// The digest of what was at each path.
        digests: BTreeMap<String, String>,
    },
    /// A request that undoes something is about to be sent.
    Undoing {
        /// Counts these requests, from 1.
        request: u64,
        /// When.
        at: Timestamp,
    },
    /// It was answered, or left without an answer.
    UndoingAnswered {
        /// The request.
        request: u64,
        /// The HTTP status.
        status: Option<u16>,
        /// When.
        at: Timestamp,
    },
    /// Something was deleted with which the target may delete more, until then.
    DeletesMore {
        /// Until when.
        until: Timestamp,
    },
    /// It could not be undone.
    Left {
        /// The change's number.
        number: u64,
        /// Why.
        why: String,
    },
}

/// How far a run is with a node that it deletes and puts back, or that went with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeStage {
    /// It is about to be deleted.
    Deletes,
    /// It was deleted, and the run saw that it is gone.
    Gone,
    /// It is about to be restored: it may be there by half.
    Restores,
    /// It is restored: what differs later was changed by somebody.
    Restored,
    /// It was not deleted, and is not as it was kept: with what the run deleted, the target may have changed it.
    Differs,
    /// It stays as it is, as somebody has said: it is neither deleted nor restored.
    Accepted,
}

/// The run that the journal belongs to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header {
    /// The version of the form.
    pub format: u32,
    /// The version of the program that wrote it.
    pub version: String,
    /// The run's id, which stands in the name of everything that the run made.
    pub run: String,
    /// When it began.
    pub began: Timestamp,
    /// Where its target is.
    pub stack: Stack,
    /// Whether that was a container: begun again on the same volume, the Author has another address.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub container: bool,
    /// The endpoints that are not the built-in ones; without them nothing could be undone over paths that were learned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surfaces: Option<Surfaces>,
    /// The state directory of the run, which holds copies of what it replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_dir: Option<PathBuf>,
}

/// A change and what undoes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Change {
    /// Counts the changes of a run, from 1.
    pub number: u64,
    /// When it was about to be sent.
    pub at: Timestamp,
    /// The scenario that asked for it: file and line.
    pub scenario: String,
    /// The request: endpoint and path.
    pub request: String,
    /// What undoes it, in this order.
    pub undo: Vec<Undo>,
    /// Whether it was answered, and with what.
    #[serde(default, skip)]
    pub status: Option<u16>,
    /// Until when something may come of it, should its outcome be unknown.
    #[serde(default, skip)]
    pub may_come_until: Option<Timestamp>,
    /// Of a configuration that is put back: the nodes of it that the run touched, and how far it is with each.
    #[serde(default, skip)]
    pub nodes: BTreeMap<String, NodeStage>,
    /// What came of it under names that are not the run's: the path, and a digest of what was there. What differs later was
    /// changed by somebody.
    #[serde(default, skip)]
    pub made: BTreeMap<String, String>,
}

impl Change {
    /// Whether nothing says what has become of its request: it was not answered, or what is between the run and the target,
    /// or the target itself, could not say.
    pub fn is_uncertain(&self) -> bool {
        is_uncertain(self.status)
    }

    /// Whether the target refused its request, so that nothing came of it.
    pub fn was_refused(&self) -> bool {
        !self.is_uncertain() && self.status.is_some_and(|status| status >= 400)
    }

    fn answered(&mut self, status: Option<u16>, at: Timestamp) {
        self.status = status;
        self.may_come_until = Some(late(self.at, at));
    }

    /// Whether it made, or is about to delete or to restore, the node at that path. The journal does not know where the Author
    /// puts a Mac user, so that the path of any user may be that of the run's.
    pub fn is_about(&self, path: &str) -> bool {
        let is_about = |undo: &Undo| match undo {
            Undo::CloudService { agents, mac_user, .. } => {
                agents.iter().any(|name| path.strip_suffix(name) == Some(AGENTS))
                    || (mac_user.is_some() && path.starts_with(USERS))
            }
            Undo::Agent { path: own, .. } => own == path,
            Undo::ImsConfiguration { unused: Some(before), .. } => {
                path.starts_with(CONFIGURATIONS) && !before.iter().any(|it| it == path)
            }
            _ => false,
        };
        self.nodes.contains_key(path) || self.made.contains_key(path) || self.undo.iter().any(is_about)
    }

    /// Whether copies of a configuration with key material may exist until it is undone.
    pub fn keeps_copies(&self) -> bool {
        self.undo.iter().any(|undo| matches!(undo, Undo::Replacement { .. } | Undo::Package { .. }))
    }

    /// Whether it is undone by putting back a configuration.
    pub fn replaces(&self) -> bool {
        self.undo.iter().any(|undo| matches!(undo, Undo::Replacement { .. }))
    }
}

/// The longest time that a request is waited for after it was left.
const LONGEST: SignedDuration = SignedDuration::from_secs(60);

/// Until when something may come of a request that was sent and left at these times without a certain answer: a target that
/// let it wait for long may do so for as long again.
fn late(sent: Timestamp, left: Timestamp) -> Timestamp {
    let took = left.duration_since(sent).min(LONGEST);
    left + took.max(aftermath())
}

/// The same for a request that was under way when its process was killed, at any time since it was sent.
fn late_if_killed(sent: Timestamp) -> Timestamp {
    let now = Timestamp::now();
    late(sent, now).min(sent + LONGEST + LONGEST).max(now + aftermath())
}

fn aftermath() -> SignedDuration {
    SignedDuration::try_from(AFTERMATH).unwrap_or(LONGEST)
}

/// Whether an answer of that status, or none, leaves open what has become of its request.
fn is_uncertain(status: Option<u16>) -> bool {
    status.is_none_or(|status| status >= 500 || matches!(status, 408 | 429))
}

/// The changes of a run that are not undone yet. Clones are the same journal.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    file: Option<(PathBuf, File)>,
    open: Vec<Change>,
    last: u64,
    undoing: Undoing,
}

/// The requests that undo something and have no certain result: each may still be carried out, and could then undo what is
/// put back meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Undoing {
    last: u64,
    /// When each was sent, and until when something may come of it; nobody knows that of one that is under way.
    unsure: BTreeMap<u64, (Timestamp, Option<Timestamp>)>,
    /// Until when the target may delete more with what was deleted.
    more: Option<Timestamp>,
}

impl Undoing {
    fn deletes_more(&mut self, until: Timestamp) {
        self.more = self.more.max(Some(until));
    }

    fn sends(&mut self, request: u64, at: Timestamp) {
        self.last = self.last.max(request);
        self.unsure.insert(request, (at, None));
    }

    fn answered(&mut self, request: u64, status: Option<u16>, at: Timestamp) {
        if !is_uncertain(status) {
            self.unsure.remove(&request);
        } else if let Some((sent, until)) = self.unsure.get_mut(&request) {
            *until = Some(late(*sent, at));
        }
    }
}

/// Keeps a journal for this process; it is free again when that ends, however it ends. The error says that another has it.
fn hold(file: &File) -> io::Result<()> {
    // Some file systems know no locks.
    if file.try_lock_exclusive().unwrap_or(true) {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::WouldBlock, "a run that goes on uses it"))
}

/// Whether a run that goes on uses the journal of that name.
pub fn is_in_use(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| hold(&file).is_err())
}

impl Journal {
    /// Begins one on disk. A file that is there already is another run's and is not written over.
    pub fn create(path: &Path, header: Header) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        hold(&file)?;
        let journal = Self::default();
        journal.lock().file = Some((path.to_owned(), file));
        journal.lock().write(&Line::Run(Box::new(header)), true)?;
        Ok(journal)
    }

    /// Goes on with one in a file, as it is once no other process has it.
    pub fn resume(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).open(path)?;
        hold(&file)?;
        // What is written next must not continue a line that was cut off.
        let bytes = std::fs::read(path)?;
        let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |end| end + 1);
        file.set_len(u64::try_from(whole).unwrap_or(u64::MAX))?;
        let read = read(&text(path)?).map_err(|problem| io::Error::new(io::ErrorKind::InvalidData, problem))?;
        let (mut changes, mut undoing) = (read.open, read.undoing);
        let last = changes.iter().map(|change| change.number).max().unwrap_or_default();
        // What was under way when the other process ended may have been left just now.
        for change in &mut changes {
            change.may_come_until.get_or_insert(late_if_killed(change.at));
        }
        for (sent, until) in undoing.unsure.values_mut() {
            until.get_or_insert(late_if_killed(*sent));
        }
        let state = State { file: Some((path.to_owned(), file)), open: changes, last, undoing };
        Ok(Self { state: Arc::new(Mutex::new(state)) })
    }

    /// Where it is, if it is on disk.
    pub fn path(&self) -> Option<PathBuf> {
        self.lock().file.as_ref().map(|(path, _)| path.clone())
    }

    /// Writes down a change before it is sent; it is on the disk when this returns.
    pub fn enter(&self, scenario: &str, request: String, undo: Vec<Undo>) -> io::Result<u64> {
        let mut state = self.lock();
        let number = state.last + 1;
        let (at, scenario) = (Timestamp::now(), scenario.to_owned());
        let (status, may_come_until, nodes, made) = (None, None, BTreeMap::new(), BTreeMap::new());
        let change = Change { number, at, scenario, request, undo, status, may_come_until, nodes, made };
        state.write(&Line::Change(change.clone()), true)?;
        state.last = number;
        state.open.push(change);
        Ok(number)
    }

    /// How many changes were written down: no two moments between which something was changed have the same.
    pub fn count(&self) -> u64 {
        self.lock().last
    }

    /// Writes down that a change was answered, or left without an answer.
    pub fn answered(&self, number: u64, status: Option<u16>) {
        let (mut state, at) = (self.lock(), Timestamp::now());
        if let Some(change) = state.change(number) {
            change.answered(status, at);
        }
        // What is lost of this makes undoing slower, not wrong.
        let _ = state.write(&Line::Answered { number, status, at }, false);
    }

    /// Writes down that a request that undoes something is sent; gives back its number.
    pub fn undoing_sends(&self) -> u64 {
        let (mut state, at) = (self.lock(), Timestamp::now());
        let request = state.undoing.last + 1;
        state.undoing.sends(request, at);
        // What is lost of this and the next is missed only if this process is killed, too.
        let _ = state.write(&Line::Undoing { request, at }, false);
        request
    }

    /// Writes down how such a request was answered, if it was.
    pub fn undoing_answered(&self, request: u64, status: Option<u16>) {
        let (mut state, at) = (self.lock(), Timestamp::now());
        state.undoing.answered(request, status, at);
        let _ = state.write(&Line::UndoingAnswered { request, status, at }, false);
    }

    /// Until when a request that undoes something may still be carried out, or the target may delete more by itself.
    pub fn undoing_may_come_until(&self) -> Option<Timestamp> {
        let state = self.lock();
        let unsure = state.undoing.unsure.values();
        let unsure = unsure.map(|(sent, until)| until.unwrap_or_else(|| late_if_killed(*sent)));
        unsure.chain(state.undoing.more).max()
    }

    /// Writes down that something was deleted with which the target may delete more, by itself and a moment later.
    pub fn deletes_more(&self) {
        let (mut state, until) = (self.lock(), Timestamp::now() + aftermath());
        state.undoing.deletes_more(until);
        // What is lost of this is missed only if this process is killed, too.
        let _ = state.write(&Line::DeletesMore { until }, false);
    }

    /// Writes down how far the run is with nodes that this change puts back; it is on the disk when this returns.
    pub fn notes_nodes(&self, number: u64, paths: &[String], stage: NodeStage) -> io::Result<()> {
        let mut state = self.lock();
        state.write(&Line::Nodes { number, paths: paths.to_vec(), stage }, true)?;
        if let Some(change) = state.change(number) {
            change.nodes.extend(paths.iter().map(|path| (path.clone(), stage)));
        }
        Ok(())
    }

    /// Writes down that somebody wants a node to stay as it is: it is neither deleted nor restored.
    pub fn accept(&self, path: &str) -> io::Result<()> {
        for change in self.open(None).iter().filter(|change| change.is_about(path)) {
            self.notes_nodes(change.number, &[path.to_owned()], NodeStage::Accepted)?;
        }
        Ok(())
    }

    /// Writes down what came of a change; it is on the disk when this returns.
    pub fn made(&self, number: u64, digests: BTreeMap<String, String>) -> io::Result<()> {
        let mut state = self.lock();
        state.write(&Line::Made { number, digests: digests.clone() }, true)?;
        if let Some(change) = state.change(number) {
            change.made.extend(digests);
        }
        Ok(())
    }

    /// Records the result of undoing a change: done, or why the change is left. Where that cannot be written, it is undone
    /// once more by whoever reads the journal.
    pub fn settle(&self, number: u64, left: Option<&str>) -> io::Result<()> {
        let mut state = self.lock();
        let line = match left {
            None => Line::Undone { number },
            Some(why) => Line::Left { number, why: why.to_owned() },
        };
        let written = state.write(&line, true);
        if left.is_none() {
            // Most undoing finds nothing to do a second time. Putting back needs the package, which would be gone by then.
            state.open.retain(|change| change.number != number || (written.is_err() && change.replaces()));
        }
        written
    }

    /// The changes that are not undone, the newest first: those of one scenario, or all.
    pub fn open(&self, scenario: Option<&str>) -> Vec<Change> {
        let state = self.lock();
        let wanted = |change: &&Change| scenario.is_none_or(|scenario| change.scenario == scenario);
        state.open.iter().rev().filter(wanted).cloned().collect()
    }

    /// Removes the file when nothing is left to undo; gives back where it is when something is.
    pub fn close(&self, keep: bool) -> Option<PathBuf> {
        let mut state = self.lock();
        let (path, _) = state.file.as_ref()?;
        let path = path.clone();
        if state.open.is_empty() && !keep {
            state.file = None;
            let _ = std::fs::remove_file(&path);
        }
        (!state.open.is_empty()).then_some(path)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn change(&mut self, number: u64) -> Option<&mut Change> {
        self.open.iter_mut().find(|change| change.number == number)
    }

    fn write(&mut self, line: &Line, sync: bool) -> io::Result<()> {
        let Some((_, file)) = &mut self.file else { return Ok(()) };
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        file.write_all(&text)?;
        if sync { file.sync_data() } else { Ok(()) }
    }
}

/// A journal as it was read.
#[derive(Clone, Debug)]
pub struct Read {
    /// Whose it is.
    pub header: Header,
    /// The changes that are not undone, in their order.
    pub open: Vec<Change>,
    /// What may still be carried out of the requests that undid something.
    pub undoing: Undoing,
}

/// How the first line begins.
const START: &str = "{\"line\":\"run\",";

/// The text of a journal. A kill may have cut its last line within a letter, and a loss of power leaves zeros there.
pub fn text(path: &Path) -> io::Result<String> {
    let bytes = std::fs::read(path)?;
    Ok(String::from_utf8_lossy(&bytes).trim_end_matches(['\0', char::REPLACEMENT_CHARACTER]).to_owned())
}

/// Whether a journal was cut off within its first line: its run was killed before it sent anything.
pub fn is_cut_at_start(text: &str) -> bool {
    !text.contains('\n') && (START.starts_with(text) || text.starts_with(START))
}

/// Reads a journal. A line that was cut off belongs to a change that was never sent; any other line that cannot be read is
/// reported with its number.
pub fn read(text: &str) -> Result<Read, String> {
    let mut lines = text.split_inclusive('\n').enumerate().map(|(index, line)| (index + 1, line));
    let first = lines.next().map(|(_, line)| serde_json::from_str(line));
    let Some(Ok(Line::Run(header))) = first else { return Err("line 1: this is not a journal of bpconform".into()) };
    if header.format != FORMAT {
        return Err(format!("line 1: its form is {}, and this bpconform reads {FORMAT}", header.format));
    }
    let mut read = Read { header: *header, open: Vec::new(), undoing: Undoing::default() };
    for (number, line) in lines {
        match serde_json::from_str(line) {
            Ok(line) => read.note(line),
            Err(_) if !line.ends_with('\n') => {}
            Err(error) => {
                let line = after_cut(line).ok_or_else(|| format!("line {number}: {error}"))?;
                read.note(line);
            }
        }
    }
    Ok(read)
}

/// The whole line behind one that was cut off when the disk was full.
fn after_cut(line: &str) -> Option<Line> {
    let mut starts = line.match_indices("{\"line\":").filter(|(at, _)| *at > 0);
    starts.find_map(|(at, _)| serde_json::from_str(&line[at..]).ok())
}

impl Read {
    fn note(&mut self, line: Line) {
        match line {
            Line::Change(change) => self.open.push(change),
            Line::Answered { number, status, at } => {
                if let Some(change) = self.change(number) {
                    change.answered(status, at);
                }
            }
            Line::Nodes { number, paths, stage } => {
                if let Some(change) = self.change(number) {
                    change.nodes.extend(paths.into_iter().map(|path| (path, stage)));
                }
            }
            Line::Made { number, digests } => {
                if let Some(change) = self.change(number) {
                    change.made.extend(digests);
                }
            }
            Line::Undone { number } => self.open.retain(|change| change.number != number),
            Line::Undoing { request, at } => self.undoing.sends(request, at),
            Line::UndoingAnswered { request, status, at } => self.undoing.answered(request, status, at),
            Line::DeletesMore { until } => self.undoing.deletes_more(until),
            Line::Run(_) | Line::Left { .. } => {}
        }
    }

    fn change(&mut self, number: u64) -> Option<&mut Change> {
        self.open.iter_mut().find(|change| change.number == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        let author = "http://localhost:4502".parse().expect("an address");
        let stack = Stack { author, ims: None, console: None, tenant: None, control: None };
        Header {
            format: FORMAT,
            version: "0".into(),
            run: "r1".into(),
            began: Timestamp::UNIX_EPOCH,
            stack,
            container: false,
            surfaces: None,
            state_dir: None,
        }
    }

    fn written(name: &str, write: impl FnOnce(&Journal)) -> String {
        let path = std::env::temp_dir().join(format!("bpconform-journal-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        write(&Journal::create(&path, header()).expect("it can be written"));
        let text = std::fs::read_to_string(&path).expect("it is there");
        std::fs::remove_file(&path).expect("it is ours");
        text
    }

    fn node(path: &str) -> Vec<Undo> {
        vec![Undo::Node { path: path.into() }]
    }

    #[test]
    fn what_was_undone_is_not_open_any_more_and_the_rest_is_in_order() {
        let text = written("order", |journal| {
            for path in ["/a", "/b", "/c"] {
                journal.enter("f:1", format!("POST {path}"), node(path)).expect("written");
            }
            journal.answered(3, Some(201));
            for stage in [NodeStage::Deletes, NodeStage::Gone] {
                journal.notes_nodes(1, &["/a/b".into()], stage).expect("written");
            }
            journal.settle(2, None).expect("written");
            journal.settle(1, Some("no answer")).expect("written");
            assert_eq!(journal.open(None).iter().map(|change| change.number).collect::<Vec<_>>(), [3, 1]);
        });
        let read = read(&text).expect("it is whole");
        assert_eq!(read.header.run, "r1");
        let open: Vec<_> = read.open.iter().map(|change| (change.number, change.status)).collect();
        assert_eq!(open, [(1, None), (3, Some(201))]);
        assert_eq!(read.open[0].nodes, BTreeMap::from([("/a/b".to_owned(), NodeStage::Gone)]));
        assert_eq!(read.open[0].undo, node("/a"));
    }

    #[test]
    fn what_waited_for_long_may_wait_for_as_long_again() {
        let second = |second: i64| Timestamp::from_second(second).expect("a time");
        let until = |took: i64| late(second(100), second(100 + took)).as_second() - 100 - took;
        assert_eq!([until(0), until(3), until(30), until(600)], [10, 10, 30, 60]);
    }

    #[test]
    fn a_request_that_undoes_is_unsure_until_it_is_answered() {
        let text = written("undoing", |journal| {
            for status in [Some(200), Some(504), None, Some(404)] {
                let request = journal.undoing_sends();
                journal.undoing_answered(request, status);
            }
            journal.undoing_sends();
            assert!(journal.undoing_may_come_until().is_some());
        });
        let undoing = read(&text).expect("it is whole").undoing;
        let unsure: Vec<_> = undoing.unsure.iter().map(|(request, (_, until))| (*request, until.is_some())).collect();
        assert_eq!(unsure, [(2, true), (3, true), (5, false)]);
        let path = std::env::temp_dir().join(format!("bpconform-journal-goes-on-{}", std::process::id()));
        std::fs::write(&path, &text).expect("it can be written");
        let before = Timestamp::now() + aftermath();
        let journal = Journal::resume(&path).expect("it goes on");
        assert!(journal.undoing_may_come_until() >= Some(before), "nobody knows when the other process ended");
        assert_eq!(journal.undoing_sends(), 6);
        std::fs::remove_file(&path).expect("it is ours");
    }

    #[test]
    fn a_request_that_was_cut_off_by_a_kill_is_waited_for_as_long_as_it_may_have_taken() {
        let now = Timestamp::now();
        let waits = |ago: i64| late_if_killed(now - SignedDuration::from_secs(ago)).duration_since(now).as_secs();
        assert_eq!([1, 20, 90, 100, 24 * 60 * 60].map(waits), [10, 20, 30, 20, 10]);
    }

    #[test]
    fn a_line_that_was_cut_off_was_never_sent_but_a_broken_one_is_told() {
        let text = written("cut", |journal| {
            journal.enter("f:1", "POST /a".into(), node("/a")).expect("written");
        });
        let cut = format!("{text}{}", &text.lines().nth(1).expect("a change")[..20]);
        assert_eq!(read(&cut).expect("it can be read").open.len(), 1);
        assert!(read(&format!("{cut}\n")).expect_err("it is broken").starts_with("line 3: "));
        let undone = "{\"line\":\"undone\",\"number\":1}\n";
        assert!(read(&format!("{cut}{undone}")).expect("the line behind it is whole").open.is_empty());
        assert!(read("{}\n").expect_err("it is none").contains("not a journal"));
        assert!(read("").is_err());
    }

    #[test]
    fn a_journal_can_be_cut_off_anywhere() {
        let text = written("anywhere", |journal| {
            journal.enter("f:1", "POST /ä".into(), node("/content/ä")).expect("written");
        });
        let path = std::env::temp_dir().join(format!("bpconform-journal-anywhere-{}", std::process::id()));
        for end in 0..text.len() {
            std::fs::write(&path, &text.as_bytes()[..end]).expect("it can be written");
            let cut = super::text(&path).expect("it can be read");
            if is_cut_at_start(&cut) {
                continue;
            }
            read(&cut).unwrap_or_else(|problem| panic!("{end}: {problem}"));
            let journal = Journal::resume(&path).expect("it goes on");
            let number = journal.enter("f:2", "POST /b".into(), node("/b")).expect("written");
            drop(journal);
            let again = read(&super::text(&path).expect("it can be read")).expect("it is whole");
            assert_eq!(again.open.last().map(|change| change.number), Some(number), "{end}");
        }
        std::fs::remove_file(&path).expect("it is ours");
        assert!(is_cut_at_start("") && !is_cut_at_start("{}") && !is_cut_at_start(&text));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_cannot_be_written_of_a_replacement_stays_open() {
        let journal = Journal::default();
        let put_back = vec![Undo::Replacement { name: "kept".into() }];
        for undo in [node("/a"), put_back] {
            journal.enter("f:1", "POST".into(), undo).expect("written");
        }
        let full = OpenOptions::new().write(true).open("/dev/full").expect("every Linux has it");
        journal.lock().file = Some((PathBuf::from("/dev/full"), full));
        for number in [1, 2] {
            journal.settle(number, None).expect_err("the disk is full");
        }
        assert_eq!(journal.open(None).iter().map(|change| change.number).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn another_runs_file_is_not_written_over() {
        let path = std::env::temp_dir().join(format!("bpconform-journal-other-{}", std::process::id()));
        std::fs::write(&path, "another's").expect("it can be written");
        assert!(Journal::create(&path, header()).is_err());
        std::fs::remove_file(&path).expect("it is ours");
    }
}
