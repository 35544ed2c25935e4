//! The command: it plans, runs, records and reports. Data goes one way: configuration and features make a plan, the
//! plan is run (cucumber drives, steps ask the target, evidence is kept), the run makes a record, and every report is
//! drawn from the record.

pub mod app;
pub mod cli;
pub mod commands;
pub mod compare;
pub mod config;
pub mod container;
pub mod credentials_file;
pub mod drift;
pub mod environment;
pub mod error;
pub mod exit;
pub mod features;
pub mod hybrid;
pub mod inputs;
pub mod learn;
pub mod mocked;
pub mod nearest;
pub mod observer;
pub mod output;
pub mod outside;
pub mod plan;
pub mod progress;
pub mod publish;
pub mod reach;
pub mod record;
pub mod record_file;
pub mod record_texts;
pub mod report;
pub mod run;
pub mod schema;
pub mod serve;
pub mod shard;
mod signals;
pub mod surroundings;
pub mod tags;
pub mod text;
pub mod text_file;
pub mod verdict;
