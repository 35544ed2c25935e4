//! `bpconform completions`: prints a completion script.

use clap_complete::Shell;

use crate::cli;
use crate::output::Output;

/// Prints the completion script for a shell.
pub fn command(shell: Shell, output: &Output) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "bpconform", &mut script);
    output.out(&String::from_utf8_lossy(&script));
}
