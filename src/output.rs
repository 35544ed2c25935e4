//! The gate through which all output leaves: nothing passes it unredacted, and a closed pipe is not an error.

use std::any::Any;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use bpconform_steps::plain::plain_with_styles;
use bpconform_steps::redact::Redactor;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Writes to the terminal.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// The last gate for secrets.
    pub redactor: Redactor,
    data: bool,
}

impl Output {
    /// Output through this gate.
    pub fn through(redactor: Redactor) -> Self {
        Self { redactor, data: false }
    }

    /// The same gate for a command whose standard output is data, if so: what people read goes beside it.
    #[must_use]
    pub fn beside_data(&self, data: bool) -> Self {
        Self { redactor: self.redactor.clone(), data }
    }

    /// Writes what a person reads: on the standard output, unless that is data.
    pub fn tell(&self, text: &str) {
        if self.data { self.err(text) } else { self.say(text) }
    }

    /// Writes what a person reads on the standard output.
    pub fn say(&self, text: &str) {
        self.out(&plain_with_styles(&self.redactor.redact_known(text)));
    }

    /// Writes the data that the command is asked for. Texts of others in it were made harmless where they were put there:
    /// what the program itself hands out, such as the credentials of a mock, must arrive.
    pub fn out(&self, text: &str) {
        let _ = io::stdout().lock().write_all(self.redactor.redact_learned(text).as_bytes());
        let _ = io::stdout().flush();
    }

    /// Writes commands for a CI system, beside data.
    pub fn command(&self, text: &str) {
        if self.data { self.err_open(text) } else { self.out(text) }
    }

    /// Writes what else a person should know.
    pub fn err(&self, text: &str) {
        self.err_open(&plain_with_styles(&self.redactor.redact(text)));
    }

    /// Writes beside the data what the program hands out on purpose.
    pub fn err_open(&self, text: &str) {
        let _ = io::stderr().lock().write_all(self.redactor.redact_learned(text).as_bytes());
    }

    /// Makes a panic pass this gate too: what it says may hold anything.
    pub fn tell_panics(&self) {
        let output = self.clone();
        std::panic::set_hook(Box::new(move |panic| {
            TOLD.store(true, Ordering::Relaxed);
            output.err(&panicked(panic));
        }));
    }

    /// Tells of a panic that was caught, unless the hook has: cucumber keeps it silent while scenarios run.
    pub fn tell_panic(&self, panic: &(dyn Any + Send)) {
        if !TOLD.load(Ordering::Relaxed) {
            let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied());
            self.err(&panicked(&text.unwrap_or("a panic without a text")));
        }
    }

    /// Sends the program's own log to stderr, from `-v` on.
    pub fn log(&self, verbose: u8) {
        // What the verifier says of a certificate is said once more, and with what to do, by whoever asked.
        let filter = match verbose {
            0 => "warn,rustls_platform_verifier=off,bpconform=warn",
            1 => "warn,rustls_platform_verifier=off,bpconform=info,bpconform_steps=info",
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

/// Whether a panic was told by the hook.
static TOLD: AtomicBool = AtomicBool::new(false);

fn panicked(panic: &impl std::fmt::Display) -> String {
    format!("internal error: {panic}\nthis is a defect of bpconform, please report it\n")
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    #[test]
    fn a_panic_shows_no_secret() {
        let output = Output::default();
        output.redactor.learn("p8e-canary-of-panics");
        let told: Arc<Mutex<String>> = Arc::default();
        let (gate, heard) = (output.clone(), Arc::clone(&told));
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            *heard.lock().unwrap_or_else(PoisonError::into_inner) += &gate.redactor.redact(&panicked(panic));
        }));
        let panic = std::panic::catch_unwind(|| panic!("no such p8e-canary-of-panics"));
        std::panic::set_hook(before);
        let told = told.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(panic.is_err() && told.contains("no such ") && told.contains("please report it"), "{told}");
        assert!(!told.contains("p8e-canary"), "{told}");
    }
}
