//! Records compared: with what is expected of them, with each other, and put together.

pub mod baseline;
pub mod diff;
pub mod merge;
