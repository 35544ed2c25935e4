//! The gate through which all output leaves: nothing passes it unredacted, and a closed pipe is not an error.

use std::io::{self, Write};

use bpconform_steps::redact::Redactor;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Writes to the terminal.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// The last gate for secrets.
    pub redactor: Redactor,
}

impl Output {
    /// Writes what the command is asked for.
    pub fn out(&self, text: &str) {
        let _ = io::stdout().lock().write_all(self.redactor.redact(text).as_bytes());
        let _ = io::stdout().flush();
    }

    /// Writes what else a person should know.
    pub fn err(&self, text: &str) {
        let _ = io::stderr().lock().write_all(self.redactor.redact(text).as_bytes());
    }

    /// Sends the program's own log to stderr, from `-v` on.
    pub fn log(&self, verbose: u8) {
        let filter = match verbose {
            0 => "warn,bpconform=warn",
            1 => "warn,bpconform=info,bpconform_steps=info",
            2 => "warn,bpconform=debug,bpconform_steps=debug,bpconform_mocks=info",
            _ => "debug,bpconform=trace,bpconform_steps=trace,bpconform_mocks=trace",
        };
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(filter))
            .with_ansi(false)
            .with_target(verbose > 2)
            .with_writer(self.clone());
        // A second one in the same process (tests) is refused, and does not matter.
        let _ = subscriber.try_init();
    }
}

/// One event of the log at a time; each arrives whole.
#[derive(Debug)]
pub struct Gate<'a>(&'a Output);

impl Write for Gate<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.err(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Output {
    type Writer = Gate<'a>;

    fn make_writer(&'a self) -> Gate<'a> {
        Gate(self)
    }
}
