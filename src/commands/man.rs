//! `bpconform man`: manual pages, generated from the definition of the command line.

use std::path::Path;

use clap::Command;
use clap_mangen::Man;

use crate::cli::{self, ManArgs};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;

/// Prints one page, or writes all of them.
pub fn command(args: &ManArgs, output: &Output) -> Result<Exit, Error> {
    let mut program = cli::command().disable_help_subcommand(true);
    program.build();
    if let Some(out) = &args.out {
        std::fs::create_dir_all(out).map_err(|source| Error::Write { file: out.clone(), source })?;
        return write_pages(&program, out).map(|()| Exit::Green);
    }
    output.out(&page(find(&program, &args.names)?)?);
    Ok(Exit::Green)
}

/// The command of these names: `surface`, `drift` is `bpconform surface drift`.
fn find<'a>(program: &'a Command, names: &[String]) -> Result<&'a Command, Error> {
    names.iter().try_fold(program, |command, name| {
        command.find_subcommand(name).ok_or_else(|| {
            let mut known: Vec<&str> = visible(command).map(Command::get_name).collect();
            known.sort_unstable();
            let path = command.get_bin_name().unwrap_or_else(|| command.get_name());
            Error::Usage(match known.as_slice() {
                [] => format!("`{path}` has no command {name}; its page is the one of `{path}`"),
                known => format!("`{path}` has no command {name}; it has {}", known.join(", ")),
            })
        })
    })
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|below| !below.is_hide_set())
}

/// The page of a command is named like `bpconform-surface-drift.1`, as `man bpconform-surface-drift` finds it.
fn write_pages(command: &Command, out: &Path) -> Result<(), Error> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let file = out.join(format!("{name}.1"));
    std::fs::write(&file, page(command)?).map_err(|source| Error::Write { file, source })?;
    visible(command).try_for_each(|below| write_pages(below, out))
}

fn page(command: &Command) -> Result<String, Error> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    // The date of the page would differ from build to build.
    let man = Man::new(command.clone().name(name)).date("");
    let mut roff = Vec::new();
    man.render(&mut roff).map_err(|error| Error::Internal(format!("the manual page cannot be made: {error}")))?;
    Ok(String::from_utf8_lossy(&roff).into_owned())
}
