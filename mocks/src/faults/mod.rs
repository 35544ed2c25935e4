//! Faults of the wire: the ways in which an answer does not come, or comes as something that nobody asked for. Each is
//! data: an id, a sentence, where it strikes, and the script that the front then plays in place of the answer.
//!
//! The systems behind know nothing of it. A front passes everything through until it is told which request is struck:
//! the next one (the control `control.wire`), or every one (`bpconform mock --wire`).

mod answers;
mod script;

use crate::machine::Response;

use script::Act;
pub(crate) use script::{Line, play};

/// A way in which a wire breaks.
#[derive(Clone, Copy)]
pub struct Fault {
    /// Its id, for example `reset`.
    pub id: &'static str,
    /// What happens, in a few words.
    pub says: &'static str,
    pub(crate) place: Place,
    script: fn(&Response) -> Vec<Act>,
}

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the way there: the request reaches nobody.
    Request,
    /// On the way back: the system has done what it was asked for.
    Answer,
    /// In TLS's handshake, before there is a request.
    Handshake,
    /// On the way back, below TLS.
    Session,
}

impl Fault {
    /// All of them, in the order in which an exchange meets them.
    pub const ALL: &'static [Self] = answers::ALL;

    /// The fault of that id.
    pub fn get(id: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|fault| fault.id == id)
    }

    /// Whether it strikes TLS, and so needs a stack that speaks it.
    pub fn needs_tls(&self) -> bool {
        matches!(self.place, Place::Handshake | Place::Session)
    }

    /// Whether it makes a client wait rather than work.
    pub fn makes_wait(&self) -> bool {
        let waits = |act: &Act| matches!(act, Act::Hold | Act::Shut | Act::Slowly(..));
        self.script(&Response::default()).iter().any(waits)
    }

    /// What is to be played when that would have been the answer.
    pub(crate) fn script(&self, answer: &Response) -> Vec<Act> {
        (self.script)(answer)
    }
}

impl std::fmt::Debug for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_fault_has_an_id_of_its_own_and_a_sentence() {
        let ids: BTreeSet<_> = Fault::ALL.iter().map(|fault| fault.id).collect();
        assert_eq!(ids.len(), Fault::ALL.len());
        assert!(ids.len() >= 18);
        assert!(Fault::ALL.iter().all(|fault| !fault.says.is_empty() && Fault::get(fault.id).is_some()));
    }

    #[test]
    fn no_fault_needs_a_body_to_strike() {
        let empty = Response { status: 204, ..Response::default() };
        let played = |fault: &&Fault| matches!(fault.place, Place::Answer | Place::Session);
        for fault in Fault::ALL.iter().filter(played) {
            assert!(!fault.script(&empty).is_empty(), "{fault:?}");
        }
    }
}
