//! `bpconform baseline`: writes a baseline from a record, or compares a record with one.

use crate::cli::baseline::BaselineArgs;
use crate::compare::baseline::Baseline;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::publish::{judge, today};
use crate::record_file;

/// Writes a baseline that accepts what a record found, or compares a record with one.
pub fn command(args: &BaselineArgs, output: &Output) -> Result<Exit, Error> {
    let record = record_file::read(&args.record)?;
    if let Some(file) = &args.check {
        return Ok(judge(&record, &Baseline::read(file)?, output));
    }
    output.out(&Baseline::of(&record, today()).text());
    Ok(Exit::Green)
}
