//! Credentials that the configuration names: a value that is not secret, a file that only its owner can read, or a command
//! that prints it. A credential in the environment takes precedence, and its
//! source in the configuration is then not read.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bpconform_steps::credentials::{ALL, Credentials, Named};

use crate::cli::settings::credential_key;
use crate::config::Configured;
use crate::config::file::{ConfigFile, FileEntry};
use crate::environment;
use crate::error::Error;
use crate::output::Output;
use crate::text_file;

/// How long a command that prints a secret may take: time enough to touch a security key.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);

/// More than any credential needs; a private key has 3 KiB.
const LARGEST: u64 = 64 * 1024;

/// Where the value of a credential is to be had.
#[derive(Clone, Debug)]
pub enum CredentialSource<'a> {
    /// The value itself, of a credential that is not secret.
    Value(&'a FileEntry),
    /// A file.
    File(&'a FileEntry),
    /// A command: its program and its arguments.
    Command(&'a FileEntry),
}

impl CredentialSource<'_> {
    /// What the configuration says for a credential.
    pub fn of<'a>(named: &Named, given: &'a BTreeMap<String, FileEntry>) -> Option<CredentialSource<'a>> {
        let key = credential_key(named.name);
        let from = |suffix: &str| given.get(&format!("{key}{suffix}"));
        let value = from("").map(CredentialSource::Value);
        value
            .or_else(|| from("_command").map(CredentialSource::Command))
            .or_else(|| from("_file").map(CredentialSource::File))
    }

    /// Where it stands in the file, for a person, and how the value is to be had.
    pub fn origin(&self, file: &ConfigFile) -> String {
        match self {
            Self::Value(entry) => entry.origin(file),
            Self::File(entry) => format!("{}, which names a file", entry.origin(file)),
            Self::Command(entry) => format!("{}, which names a command", entry.origin(file)),
        }
    }

    fn read(&self, file: &ConfigFile, output: &Output) -> Result<String, Error> {
        let (Self::Value(entry) | Self::File(entry) | Self::Command(entry)) = self;
        let wrong = |problem| file.error(entry.line, problem);
        match self {
            Self::Value(entry) => Ok(entry.texts.concat()),
            Self::File(entry) => from_file(&file.beside(&entry.texts.concat())).map_err(wrong),
            Self::Command(entry) => from_command(entry, COMMAND_LIMIT, output).map_err(wrong),
        }
    }
}

/// The credentials of the environment; what it lacks, of the configuration; what that lacks, of the credentials file.
pub fn credentials(
    configured: &Configured,
    variables: &BTreeMap<String, String>,
    credentials_file: Option<&Path>,
    output: &Output,
) -> Result<Credentials, Error> {
    // The output of a command may contain secrets that are already known.
    let known = ALL.iter().filter(|named| named.secret).filter_map(|named| variables.get(named.name));
    known.for_each(|secret| output.redactor.learn(secret));
    let mut values = BTreeMap::new();
    if let Some(file) = &configured.file {
        for named in ALL.iter().filter(|named| !variables.contains_key(named.name)) {
            let Some(source) = CredentialSource::of(named, &configured.given) else { continue };
            let value = source.read(file, output)?;
            environment::check(named.name, &value)
                .map_err(|problem| format!("{}: {problem}", named.name))
                .map_err(|problem| Error::Configuration { place: source.origin(file), problem })?;
            values.insert(named.name.to_owned(), value);
        }
    }
    environment::credentials(variables, values, credentials_file)
}

fn from_file(path: &Path) -> Result<String, String> {
    let wrong = |problem: String| format!("{}: {problem}", path.display());
    environment::private(path).map_err(wrong)?;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    file.take(LARGEST).read_to_end(&mut bytes).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    // PowerShell writes a byte-order mark, which would become a part of the secret.
    let text = text_file::text(bytes).map_err(wrong)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Runs the command without a shell; `["sh", "-c", "…"]` asks for one. Its error output goes to the person, masked.
fn from_command(entry: &FileEntry, limit: Duration, output: &Output) -> Result<String, String> {
    let words = match entry.texts.as_slice() {
        [line] if !entry.list => {
            shell_words::split(line).map_err(|_| "the command has a quotation mark without its other half")?
        }
        words => words.to_vec(),
    };
    let Some((program, arguments)) = words.split_first() else { return Err("the command is empty".into()) };
    let mut child = Command::new(program)
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("the command {program} cannot be started: {error}"))?;
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = stdout.take(LARGEST).read_to_end(&mut bytes).map_err(|error| error.to_string());
            let _ = sender.send(read.and_then(|_| text_file::text(bytes)));
        });
    }
    let errors = Errors::of(&mut child, output);
    let began = Instant::now();
    let text = receiver.recv_timeout(limit);
    if let Ok(Ok(text)) = &text {
        output.redactor.learn(text.trim_end_matches(['\r', '\n']));
    }
    let status = wait(&mut child, limit.saturating_sub(began.elapsed()));
    errors.end();
    let text = match (text, status) {
        (Ok(text), Some(status)) if status.success() => text,
        (_, Some(status)) => return Err(format!("the command {program} ended with {status}")),
        _ => return Err(format!("the command {program} did not end within {} s", limit.as_secs())),
    };
    let text = text.map_err(|_| format!("the command {program} printed invalid UTF-8"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// How long the error output of a command is held back: what it prints at once may be the secret that it is about to give.
/// A request to touch a security key must be seen while it waits.
const HELD: Duration = Duration::from_millis(500);

/// The error output of a command, on its way to a person.
struct Errors {
    reader: Option<std::thread::JoinHandle<()>>,
    ended: mpsc::Sender<()>,
}

impl Errors {
    fn of(child: &mut std::process::Child, output: &Output) -> Self {
        let (ended, end) = mpsc::channel();
        let (sender, lines) = mpsc::channel();
        if let Some(stderr) = child.stderr.take() {
            // It ends with the last process that has the pipe, which may outlive the command.
            std::thread::spawn(move || {
                let mut stderr = BufReader::new(stderr.take(LARGEST));
                let mut line = Vec::new();
                while stderr.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                    let text = String::from_utf8_lossy(&std::mem::take(&mut line)).into_owned();
                    if sender.send(text).is_err() {
                        break;
                    }
                }
            });
        }
        let output = output.clone();
        let reader = std::thread::spawn(move || {
            while end.recv_timeout(HELD) == Err(mpsc::RecvTimeoutError::Timeout) {
                print_masked(&output, &lines.try_iter().collect::<String>());
            }
            // What was written last may still be on its way; a process that outlives the command is not waited for.
            let rest = std::iter::from_fn(|| lines.recv_timeout(Duration::from_millis(100)).ok());
            print_masked(&output, &rest.collect::<String>());
        });
        Self { reader: Some(reader), ended }
    }

    /// Passes on what is left.
    fn end(mut self) {
        let _ = self.ended.send(());
        let _ = self.reader.take().map(std::thread::JoinHandle::join);
    }
}

fn print_masked(output: &Output, text: &str) {
    if !text.is_empty() {
        output.err(&output.redactor.redact_foreign(text));
    }
}

/// Waits for the end of a child, and ends it when it takes longer.
fn wait(child: &mut std::process::Child, limit: Duration) -> Option<std::process::ExitStatus> {
    let until = Instant::now() + limit;
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() >= until {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn command(words: &[&str], limit: Duration) -> Result<String, String> {
        let texts = words.iter().map(|&word| word.to_owned()).collect();
        from_command(&FileEntry { line: 1, profile: None, texts, list: words.len() > 1 }, limit, &Output::default())
    }

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_command_gives_its_secret_without_a_shell() {
        assert_eq!(command(&["printf", "a $HOME\\n\\n"], LONG).as_deref(), Ok("a $HOME"));
        assert_eq!(command(&["printf 'two words'"], LONG).as_deref(), Ok("two words"));
    }

    #[test]
    fn a_command_that_fails_or_hangs_is_named_without_its_arguments() {
        let failed = command(&["sh", "-c", "echo canary; exit 3"], LONG).expect_err("it ends with 3");
        assert!(failed.contains("the command sh ended with") && !failed.contains("canary"), "{failed}");
        let hangs = command(&["sh", "-c", "exec sleep 60"], Duration::from_millis(50)).expect_err("it hangs");
        assert!(hangs.contains("did not end within"), "{hangs}");
        let missing = command(&["/no/such/program"], LONG).expect_err("the program is missing");
        assert!(missing.contains("cannot be started"), "{missing}");
    }
}
