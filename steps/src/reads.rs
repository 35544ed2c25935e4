//! One read per question: equal reads of a run are sent once, shared while they are under way, and kept as one exchange
//! that every verdict refers to.
//!
//! After a probe or a change, everything that it may have altered is read again, and after a step that waits, everything is.
//! A probe alters what shows activity, and no configuration.
//! A read that can reveal two Authors behind one address is sent a few times.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bpconform_fixtures::{Allow, Surface, System};
use tokio::sync::OnceCell;

use crate::call::Call;
use crate::evidence::Exchange;
use crate::problem::Checked;
use crate::reply::Reply;

/// How often a read is sent that two states would show.
pub(crate) const COMPARED: usize = 4;

/// Larger answers are not kept, in bytes: memory stays bounded however much a run reads.
const LARGEST: usize = 1024 * 1024;

/// What came back, once.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The reply, or why it is missing.
    pub(crate) outcome: Checked<Reply>,
    /// The evidence of the last request; none if nothing was sent.
    pub(crate) exchange: Option<Exchange>,
}

/// A read that is sent by the first who asks.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// The number of the read in the run.
    pub(crate) number: u32,
    pub(crate) answer: OnceCell<Answer>,
}

/// The reads of a run.
#[derive(Debug, Default)]
pub struct Reads {
    is_on: bool,
    numbers: AtomicU32,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// By what answers and question.
    reads: HashMap<(Answering, Question), Vec<Arc<Read>>>,
    /// The requests under way that may alter an answer.
    altering: Vec<Alteration>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    /// The number of the scenario's attempt, from 0.
    pub(crate) attempt: usize,
    pub(crate) call: Call,
}

/// What answers a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Answering {
    system: System,
    /// Whether it shows activity.
    activity: bool,
}

impl Answering {
    pub(crate) fn of(surface: &Surface) -> Self {
        Self { system: surface.system, activity: surface.activity }
    }
}

/// What a request to a system may alter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Alteration {
    system: System,
    /// Whether it only causes activity, as a probe does.
    is_probe: bool,
}

impl Alteration {
    fn may_alter(self, answering: Answering) -> bool {
        altered_by(self.system).contains(&answering.system) && (answering.activity || !self.is_probe)
    }
}

/// A request that may alter what systems answer, as long as it is under way.
#[derive(Debug)]
pub(crate) struct Altering<'a> {
    reads: &'a Reads,
    alteration: Alteration,
}

impl Reads {
    /// Reads that are shared.
    pub fn shared() -> Self {
        Self { is_on: true, ..Self::default() }
    }

    /// Whether reads are shared.
    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// The read that answers a question, which is sent up to so many times before its last answer stands for all.
    pub(crate) fn of(&self, answering: Answering, question: Question, times: usize) -> Arc<Read> {
        let mut kept = lock(&self.kept);
        if kept.altering.iter().any(|alteration| alteration.may_alter(answering)) {
            return Arc::new(self.next());
        }
        let reads = kept.reads.entry((answering, question)).or_default();
        if reads.len() < times {
            reads.push(Arc::new(self.next()));
        }
        // One of them is there: `times` is at least 1.
        reads.last().map_or_else(|| Arc::new(self.next()), Arc::clone)
    }

    fn next(&self) -> Read {
        Read { number: 1 + self.numbers.fetch_add(1, Ordering::Relaxed), ..Read::default() }
    }

    /// Keeps the answer of a read for later, if it is one that another request would give, too. Those who wait for it at
    /// the moment get it anyway.
    pub(crate) fn judge(&self, answering: Answering, question: &Question, read: &Arc<Read>) {
        let is_lasting = |reply: &Reply| {
            let is_answer = matches!(reply.status, 200..=399 | 403 | 404);
            is_answer && reply.body.len() <= LARGEST
        };
        let answer = read.answer.get().map(|answer| &answer.outcome);
        if answer.is_some_and(|outcome| !outcome.as_ref().is_ok_and(is_lasting)) {
            let mut kept = lock(&self.kept);
            if let Some(reads) = kept.reads.get_mut(&(answering, question.clone())) {
                reads.retain(|known| !Arc::ptr_eq(known, read));
            }
        }
    }

    /// A request that needs this permission begins at a system: nothing that was read before and that it may alter counts any
    /// more, and nothing that is read until it has ended.
    pub(crate) fn alter(&self, system: System, needs: Allow) -> Altering<'_> {
        let alteration = Alteration { system, is_probe: needs <= Allow::Probe };
        let mut kept = lock(&self.kept);
        kept.altering.push(alteration);
        kept.reads.retain(|(answering, _), _| !alteration.may_alter(*answering));
        Altering { reads: self, alteration }
    }

    /// From now on everything is read again.
    pub fn begin_again(&self) {
        lock(&self.kept).reads.clear();
    }
}

impl Drop for Altering<'_> {
    fn drop(&mut self) {
        let mut kept = lock(&self.reads.kept);
        if let Some(at) = kept.altering.iter().position(|known| *known == self.alteration) {
            kept.altering.swap_remove(at);
        }
        kept.reads.retain(|(answering, _), _| !self.alteration.may_alter(*answering));
    }
}

/// The systems whose answers a request to a system may alter: an Author and its controls send to all others.
fn altered_by(system: System) -> &'static [System] {
    match system {
        System::Author | System::Control => {
            &[System::Author, System::Ims, System::Console, System::Tenant, System::Control]
        }
        System::Ims => &[System::Ims],
        System::Console => &[System::Console, System::Ims],
        System::Tenant => &[System::Tenant],
    }
}

fn lock(mutex: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Problem;
    use crate::redact::Redactor;

    fn reply(status: u16, length: usize) -> Reply {
        Reply {
            surface: "author.agents".into(),
            method: "GET".into(),
            url: url::Url::parse("http://localhost/a").expect("a URL"),
            status,
            headers: Vec::new(),
            body: vec![b'x'; length],
            redactor: Redactor::default(),
        }
    }

    const STORED: Answering = Answering { system: System::Author, activity: false };
    const ACTIVITY: Answering = Answering { activity: true, ..STORED };
    const TENANT: Answering = Answering { system: System::Tenant, ..STORED };

    fn about(surface: &str) -> Question {
        Question { attempt: 0, call: Call::to(surface) }
    }

    fn ask(reads: &Reads) -> Arc<Read> {
        reads.of(STORED, about("agents"), 1)
    }

    #[test]
    fn equal_questions_are_one_read_until_something_may_be_different() {
        let reads = Reads::shared();
        let first = ask(&reads);
        assert!(Arc::ptr_eq(&first, &ask(&reads)));
        assert!(!Arc::ptr_eq(&first, &reads.of(STORED, about("bundles"), 1)));
        assert!(!Arc::ptr_eq(&first, &reads.of(TENANT, about("agents"), 1)));
        drop(reads.alter(System::Ims, Allow::Probe));
        assert!(Arc::ptr_eq(&first, &ask(&reads)), "a token of IMS alters no Author");
        let altering = reads.alter(System::Author, Allow::Change);
        let during = ask(&reads);
        assert!(!Arc::ptr_eq(&first, &during) && !Arc::ptr_eq(&during, &ask(&reads)), "it may be half done");
        drop(altering);
        let after = ask(&reads);
        assert!(!Arc::ptr_eq(&after, &during) && Arc::ptr_eq(&after, &ask(&reads)));
        reads.begin_again();
        assert!(!Arc::ptr_eq(&after, &ask(&reads)));
    }

    #[test]
    fn a_probe_alters_what_shows_activity_and_no_configuration() {
        let reads = Reads::shared();
        let queue = || reads.of(ACTIVITY, about("queue"), 1);
        let (stored, active) = (ask(&reads), queue());
        let probe = reads.alter(System::Author, Allow::Probe);
        assert!(Arc::ptr_eq(&stored, &ask(&reads)));
        assert!(!Arc::ptr_eq(&active, &queue()) && !Arc::ptr_eq(&queue(), &queue()));
        let change = reads.alter(System::Author, Allow::Change);
        drop(probe);
        assert!(!Arc::ptr_eq(&ask(&reads), &ask(&reads)), "the change is still under way");
        drop(change);
        assert!(Arc::ptr_eq(&ask(&reads), &ask(&reads)) && Arc::ptr_eq(&queue(), &queue()));
    }

    #[test]
    fn what_two_states_would_show_is_read_a_few_times() {
        let reads = Reads::shared();
        let mut numbers: Vec<_> = (0..10).map(|_| reads.of(STORED, about("agents"), COMPARED).number).collect();
        numbers.dedup();
        assert_eq!(numbers, [1, 2, 3, 4]);
        assert_eq!(ask(&reads).number, 4);
    }

    #[test]
    fn only_what_another_request_would_answer_too_is_kept() {
        let kept = |outcome: Checked<Reply>| {
            let reads = Reads::shared();
            let read = ask(&reads);
            read.answer.set(Answer { outcome, exchange: None }).expect("it is the first");
            reads.judge(STORED, &about("agents"), &read);
            Arc::ptr_eq(&read, &ask(&reads))
        };
        assert!(kept(Ok(reply(200, 10))) && kept(Ok(reply(404, 10))) && kept(Ok(reply(302, 10))));
        assert!(!kept(Ok(reply(500, 10))) && !kept(Ok(reply(429, 10))) && !kept(Ok(reply(401, 10))));
        assert!(!kept(Ok(reply(200, LARGEST + 1))) && !kept(Err(Problem::error("reset"))));
    }
}
