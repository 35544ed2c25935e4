//! The command: it plans, runs, records and reports. Data goes one way: configuration and features make a plan, the
//! plan is run (cucumber drives, steps ask the target, evidence is kept), the run makes a record, and every report is
//! drawn from the record.

pub mod app;
pub mod baseline;
pub mod check;
pub mod clean;
pub mod cli;
pub mod config;
pub mod container;
pub mod diff;
pub mod doctor;
pub mod environment;
pub mod error;
pub mod evaluate;
pub mod exit;
pub mod explain;
pub mod features;
pub mod fleet;
pub mod hybrid;
pub mod learn;
pub mod list;
pub mod merge;
pub mod mock;
pub mod nearest;
pub mod observer;
pub mod output;
pub mod outside;
pub mod plan;
pub mod progress;
pub mod reach;
pub mod record;
pub mod record_file;
pub mod rehearse;
pub mod report;
pub mod run;
pub mod schema;
pub mod selftest;
pub mod serve;
pub mod shard;
mod signals;
pub mod surroundings;
pub mod tags;
pub mod verdict;
