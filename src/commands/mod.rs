//! The commands, one file or folder for each, named like the command.

pub mod baseline;
pub mod clean;
pub mod completions;
pub mod config;
pub mod diff;
pub mod doctor;
pub mod drift;
pub mod explain;
pub mod fleet;
pub mod init;
pub mod list;
pub mod man;
pub mod merge;
pub mod mock;
pub mod rehearse;
pub mod report;
pub mod run;
pub mod selftest;
pub mod surface;
