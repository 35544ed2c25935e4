//! Compares records with a baseline and with each other, and merges them.

pub mod baseline;
pub mod diff;
pub mod merge;
