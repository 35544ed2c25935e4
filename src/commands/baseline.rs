//! `bpconform baseline`: writes a baseline from a record, updates one, or compares a record with one.

use std::path::Path;

use jiff::Timestamp;

use crate::cli::baseline::BaselineArgs;
use crate::compare::baseline::Baseline;
use crate::compare::baseline::update::{UpdatedBaseline, update};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::publish::{compare_with_baseline, today};
use crate::record::Record;
use crate::record_file;

/// Writes a baseline that accepts what a record found, or compares a record with one.
pub fn command(args: &BaselineArgs, output: &Output) -> Result<Exit, Error> {
    let record = record_file::read(&args.record)?;
    if let Some(file) = &args.check {
        return Ok(compare_with_baseline(&record, &Baseline::read(file)?, output));
    }
    if let Some(file) = &args.update {
        return bring_up_to_date(file, &record, output);
    }
    output.out(&Baseline::of(&record, today()).text());
    Ok(Exit::Green)
}

fn bring_up_to_date(file: &Path, record: &Record, output: &Output) -> Result<Exit, Error> {
    let (_, text) = Baseline::read_with_text(file)?;
    let updated = update(&text, record, Timestamp::now(), today())
        .map_err(|problem| Error::Read { file: file.to_owned(), problem })?;
    // The file that a link names, with its permissions.
    let own = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let next = own.with_extension("toml.next");
    std::fs::write(&next, output.redactor.redact_known(&updated.text).as_bytes())
        .and_then(|()| std::fs::set_permissions(&next, std::fs::metadata(&own)?.permissions()))
        .and_then(|()| std::fs::rename(&next, &own))
        .map_err(|source| Error::Write { file: file.to_owned(), source })?;
    let UpdatedBaseline { added, changed, removed, kept, .. } = updated;
    let name = file.display();
    output.print_text(&format!("{name}: {added} added, {changed} changed, {removed} removed, {kept} kept\n"));
    for entry in &updated.expired {
        output.print_text(&format!("expired, and still not passed: {entry}\n"));
    }
    Ok(Exit::Green)
}
