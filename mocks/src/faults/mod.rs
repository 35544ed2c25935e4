//! Faults of the wire: broken connections and malformed answers. Each is data: an id, a sentence, the place where it
//! occurs, and the script that the front runs in place of the answer.
//! The machines are not involved. A front breaks the next request after the control `control.wire`, or every request with
//! `bpconform mock --wire`.

mod answers;
mod script;

use crate::machine::Response;

pub(crate) use script::{Connection, ScriptStep, play};

/// A fault of the wire.
#[derive(Clone, Copy)]
pub struct Fault {
    /// Its id, for example `reset`.
    pub id: &'static str,
    /// What happens, in a few words.
    pub says: &'static str,
    pub(crate) place: FaultPlace,
    script: fn(&Response) -> Vec<ScriptStep>,
}

/// Where a fault occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultPlace {
    /// Before the machine, which does not receive the request.
    Request,
    /// After the machine, which has carried out the request.
    Answer,
    /// In the TLS handshake, before a request.
    Handshake,
    /// After the machine, below TLS.
    Session,
}

impl Fault {
    /// All faults, in the order in which they can occur in an exchange.
    pub const ALL: &'static [Self] = answers::ALL;

    /// The fault of that id.
    pub fn get(id: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|fault| fault.id == id)
    }

    /// Whether the fault needs a stack with TLS.
    pub fn needs_tls(&self) -> bool {
        matches!(self.place, FaultPlace::Handshake | FaultPlace::Session)
    }

    /// Whether the fault keeps a client waiting.
    pub fn makes_wait(&self) -> bool {
        let waits = |act: &ScriptStep| matches!(act, ScriptStep::Hold | ScriptStep::Shut | ScriptStep::Slowly(..));
        self.script(&Response::default()).iter().any(waits)
    }

    /// The script that replaces this answer.
    pub(crate) fn script(&self, answer: &Response) -> Vec<ScriptStep> {
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
        let played = |fault: &&Fault| matches!(fault.place, FaultPlace::Answer | FaultPlace::Session);
        for fault in Fault::ALL.iter().filter(played) {
            assert!(!fault.script(&empty).is_empty(), "{fault:?}");
        }
    }
}
