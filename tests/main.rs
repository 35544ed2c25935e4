//! Proof that the harness works. One binary, so that it is linked once; one module for each topic.

#![expect(clippy::print_stdout, reason = "some tests print what is there to be read: a difference, a measure")]

mod author_target;
#[cfg(unix)]
mod browsing;
mod causes;
mod changes;
mod cli;
mod cloud_answers;
mod config;
mod conformance;
mod connection;
#[cfg(unix)]
mod containers;
mod curl_lines;
mod documents;
mod drift;
mod evidence;
#[cfg(unix)]
mod fleet;
mod fuzzed;
mod gates;
mod hidden;
mod hostile_target;
mod hybrid;
mod init;
mod layers;
#[cfg(unix)]
mod mock;
mod permission;
mod preflight;
mod products;
mod recorded;
mod reports;
mod requests;
mod rerun;
mod retries;
mod secrecy;
mod secrets_of_others;
mod seeds;
mod selftest;
mod shared_reads;
#[cfg(unix)]
mod sling;
mod steps_linked;
#[cfg(unix)]
mod stop;
mod support;
mod surface;
mod upgrade;
mod variations;
mod wires;
mod wrong_reads;
