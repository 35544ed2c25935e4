//! `bpconform diff`: compares two records.

use crate::cli::diff::{DiffArgs, DiffFormat};
use crate::compare::diff;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::record_file;

/// Compares two records.
pub fn command(args: &DiffArgs, output: &Output) -> Result<Exit, Error> {
    let read = |path| Ok::<_, Error>(record_file::read(path)?.masked_anew(&output.redactor).plain());
    let (before, after) = (read(&args.before)?, read(&args.after)?);
    let diff = diff::diff(&before, &after);
    output.out(&match args.format {
        DiffFormat::Text => diff.text(),
        DiffFormat::Markdown => diff.markdown(),
        DiffFormat::Json => {
            serde_json::to_string_pretty(&diff).map_err(|error| Error::Internal(error.to_string()))? + "\n"
        }
    });
    Ok(diff.exit())
}
