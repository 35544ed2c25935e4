//! The command: it plans, runs, records and reports. Data goes one way: configuration and features make a plan, the
//! plan is run (cucumber drives, steps ask the target, evidence is kept), the run makes a record, and every report is
//! drawn from the record.

pub mod app;
pub mod cli;
pub mod environment;
pub mod error;
pub mod exit;
pub mod features;
pub mod list;
pub mod mock;
pub mod output;
pub mod plan;
pub mod record;
pub mod report;
pub mod run;
pub mod verdict;
