//! The question before a configuration is replaced: the user types the tenant's id, to avoid replacing the
//! configuration of the wrong Author.

use std::io::{BufRead as _, IsTerminal as _};

use crate::cli::run::RunFlags;
use crate::error::Error;
use crate::output::Output;
use crate::run::target::Target;

/// Asks on a terminal; anywhere else, and with --yes, the question is skipped.
pub(super) fn replacement(target: &Target, how: &RunFlags, output: &Output) -> Result<(), Error> {
    let asks = how.replace_configuration && !how.yes && std::io::stdin().is_terminal();
    let Some((stack, _)) = target.real().filter(|_| asks) else { return Ok(()) };
    let tenant = stack.tenant_id().map_err(|problem| Error::Usage(problem.reason))?;
    output.err(&format!(
        "The Brand Portal configuration of {} will be deleted and restored.\nType the tenant id ({tenant}) to continue: ",
        stack.author
    ));
    let mut typed = String::new();
    let read = std::io::stdin().lock().read_line(&mut typed);
    if read.is_ok() && typed.trim() == tenant {
        return Ok(());
    }
    Err(Error::Usage(
        "the tenant id was not confirmed: nothing was changed; use --yes to run without this question".into(),
    ))
}
