//! What people and machines read, each drawn from the record alone.

pub mod junit;
pub mod style;
pub mod terminal;
