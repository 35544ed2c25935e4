//! Many Authors at once: each profile of a configuration file is an environment, and is checked by a process of its own,
//! so that one that hangs or dies takes no other along. Each leaves its own record; the overview is drawn from them.

mod overview;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use futures::StreamExt as _;
use tokio::process::Command;

use crate::config::file::ConfigFile;
use crate::error::Error;
use crate::exit::Exit;
use crate::fleet::overview::{Overview, Result as Checked};
use crate::output::Output;
use crate::record_file;

/// Flags of a run that are the fleet's own, and not those of one environment; each takes a value.
const OWN: [&str; 4] = ["--fleet", "--out", "--report", "--fleet-jobs"];

/// Checks all environments of a file, so many at once, and draws the overview. Each environment's record goes into a
/// directory of its name below `out`.
pub async fn run(file: &Path, out: &Path, jobs: usize, output: &Output) -> Result<Exit, Error> {
    let names = names(file)?;
    std::fs::create_dir_all(out).map_err(|source| Error::Write { file: out.to_owned(), source })?;
    let arguments = common(std::env::args_os().skip(1));
    let program = std::env::current_exe().map_err(|error| Error::Internal(format!("its own program: {error}")))?;
    let check = |name: String| {
        let (program, arguments) = (program.clone(), arguments.clone());
        async move {
            let found = check(&program, &arguments, file, &name, &out.join(&name)).await;
            output.out(&format!("{}\n", overview::line(&found)));
            found
        }
    };
    // On a terminal Ctrl-C reaches the children as well: each closes its record, and they are waited for.
    tokio::spawn(async { while tokio::signal::ctrl_c().await.is_ok() {} });
    let mut found: Vec<Checked> =
        futures::stream::iter(names.iter().cloned()).map(check).buffer_unordered(jobs).collect().await;
    found.sort_by_key(|one| names.iter().position(|name| *name == one.name));
    let overview = Overview::of(&found);
    write(&out.join("fleet.html"), &output.redactor.redact(&overview.html()?))?;
    write(&out.join("fleet.txt"), &output.redactor.redact(&overview.text()))?;
    output.out(&overview.text());
    Ok(overview.exit())
}

fn write(file: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(file, text).map_err(|source| Error::Write { file: file.to_owned(), source })
}

/// The names of the environments, each of which is that of a directory too.
fn names(file: &Path) -> Result<Vec<String>, Error> {
    let config = ConfigFile::read(file)?;
    let names: Vec<String> = config.profiles().map(str::to_owned).collect();
    let fits = |name: &String| {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        !name.is_empty() && !name.starts_with('.') && name.chars().all(plain)
    };
    if names.is_empty() {
        return Err(Error::Usage(format!("{}: there is no environment in it; write [target.NAME]", file.display())));
    }
    match names.iter().find(|name| !fits(name)) {
        Some(name) => Err(Error::Usage(format!(
            "{}: {name} cannot be the name of a directory; use letters, digits, - and _",
            file.display()
        ))),
        None => Ok(names),
    }
}

/// The arguments that all environments share.
fn common(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut shared = Vec::new();
    let mut skip = false;
    for argument in arguments {
        let text = argument.to_string_lossy();
        if std::mem::take(&mut skip) {
            continue;
        }
        if OWN.contains(&text.as_ref()) {
            skip = true;
        } else if !OWN.iter().any(|own| text.strip_prefix(own).is_some_and(|rest| rest.starts_with('='))) {
            shared.push(argument);
        }
    }
    shared
}

async fn check(program: &Path, arguments: &[OsString], file: &Path, name: &str, out: &PathBuf) -> Checked {
    let child = Command::new(program)
        .args(arguments)
        .arg("--config")
        .arg(file)
        .args(["--profile", name, "--quiet", "--report"])
        .arg(format!("html={}", out.join("report.html").display()))
        .arg("--out")
        .arg(out)
        .stdin(Stdio::null())
        // What GitHub shows of a job is the fleet's to tell.
        .env_remove("GITHUB_ACTIONS")
        .kill_on_drop(true)
        .output()
        .await;
    let (exit, said) = match child {
        Ok(child) => (code(child.status), String::from_utf8_lossy(&child.stderr).into_owned()),
        Err(error) => (Exit::Internal.code(), format!("error: it could not be started: {error}")),
    };
    let problem = said.lines().rfind(|line| line.starts_with("error: ")).map(|line| line[7..].to_owned());
    // A record that an earlier run left says nothing about this one: a run that starts removes it.
    let record = record_file::read(out).ok().filter(|_| exit != Exit::Usage.code() && problem.is_none());
    Checked { name: name.to_owned(), exit, problem, record }
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| i32::from(Exit::Internal.code()));
    u8::try_from(code).unwrap_or(Exit::Internal.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_gets_the_flags_of_the_run_but_not_those_of_the_fleet() {
        let given = ["run", "--fleet", "f.toml", "--allow", "observe", "--out=x", "--report", "html=y", "-v"];
        let shared = common(given.into_iter().map(OsString::from));
        assert_eq!(shared, ["run", "--allow", "observe", "-v"]);
    }
}
