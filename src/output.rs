//! The only way to stdout and stderr: everything is redacted, and a closed pipe is not an error.

use std::any::Any;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bpconform_steps::Problem;
use bpconform_steps::plain::{plain, plain_with_styles};
use bpconform_steps::redact::Redactor;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The output of a command.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// Masks secrets in everything that is written.
    pub redactor: Redactor,
    data: bool,
    /// Where it goes in place of stderr; nothing goes to stdout then.
    captured: Option<Arc<Mutex<String>>>,
}

/// The most that is kept of an output that is not printed, in bytes.
const MOST_CAPTURED: usize = 64 * 1024;

impl Output {
    /// An output that is kept instead of printed, with its own secrets: that of one environment of a fleet.
    pub fn captured() -> Self {
        Self { captured: Some(Arc::default()), ..Self::default() }
    }

    /// Whether it is kept instead of printed.
    pub fn is_captured(&self) -> bool {
        self.captured.is_some()
    }

    /// The text that would have been printed on stderr.
    pub fn said(&self) -> String {
        let said = self.captured.as_ref().map(|said| said.lock().unwrap_or_else(PoisonError::into_inner).clone());
        said.unwrap_or_default()
    }

    /// Output that passes this redactor.
    pub fn through(redactor: Redactor) -> Self {
        Self { redactor, ..Self::default() }
    }

    /// With `data`, the output of a command whose standard output is data: text for people goes to stderr.
    #[must_use]
    pub fn with_data_on_stdout(&self, data: bool) -> Self {
        Self { data, ..self.clone() }
    }

    /// Writes text for people: to stdout, unless that carries data.
    pub fn print_for_people(&self, text: &str) {
        if self.data {
            self.err_data(&plain_with_styles(&self.redactor.redact_known(text)));
        } else {
            self.print_text(text);
        }
    }

    /// Writes text for people to stdout.
    pub fn print_text(&self, text: &str) {
        self.out(&plain_with_styles(&self.redactor.redact_known(text)));
    }

    /// Writes data to stdout. Texts from the target were neutralised when they were inserted: what the program itself
    /// publishes, such as the credentials of a mock, must not be masked.
    pub fn out(&self, text: &str) {
        if self.captured.is_some() {
            return;
        }
        let _ = io::stdout().lock().write_all(self.redactor.redact_learned(text).as_bytes());
        let _ = io::stdout().flush();
    }

    /// Writes commands for a CI system: to stdout, unless that carries data.
    pub fn print_ci_command(&self, text: &str) {
        if self.data { self.err_data(text) } else { self.out(text) }
    }

    /// Writes a message to stderr. It has no styles of the program's own: any in it are of what it quotes.
    pub fn err(&self, text: &str) {
        self.err_data(&plain(&self.redactor.redact(text)));
    }

    /// Writes data to stderr, with the same rules as for `out`.
    pub fn err_data(&self, text: &str) {
        let text = self.redactor.redact_learned(text);
        let Some(captured) = &self.captured else {
            let _ = io::stderr().lock().write_all(text.as_bytes());
            return;
        };
        let mut captured = captured.lock().unwrap_or_else(PoisonError::into_inner);
        if captured.len() + text.len() <= MOST_CAPTURED {
            *captured += &text;
        }
    }

    /// Redacts the messages of panics too: they may contain anything.
    pub fn report_panics(&self) {
        let output = self.clone();
        std::panic::set_hook(Box::new(move |panic| {
            // A step that does not pass says so with a panic.
            if panic.payload().is::<Problem>() {
                return;
            }
            REPORTED.store(true, Ordering::Relaxed);
            output.err(&panic_message(panic));
        }));
    }

    /// Reports a caught panic, unless the hook has reported it: cucumber silences the hook while scenarios run.
    pub fn report_panic(&self, panic: &(dyn Any + Send)) {
        if !REPORTED.load(Ordering::Relaxed) {
            let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied());
            self.err(&panic_message(&text.unwrap_or("a panic without a text")));
        }
    }

    /// Sends the program's log to stderr, from `-v` on.
    pub fn log(&self, verbose: u8) {
        // The verifier's message about a certificate would appear twice: the caller reports it with the next step.
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
        // A second subscriber in the same process, as in tests, is rejected without harm.
        let _ = subscriber.try_init();
    }
}

/// Whether the hook has reported a panic.
static REPORTED: AtomicBool = AtomicBool::new(false);

fn panic_message(panic: &impl std::fmt::Display) -> String {
    format!("internal error: {panic}\nthis is a bug in bpconform, please report it\n")
}

/// The writer of the log. Each call receives one whole event.
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
    use super::*;

    #[test]
    fn an_environment_masks_its_own_secrets_and_says_nothing_to_others() {
        let (one, other) = (Output::captured(), Output::captured());
        one.redactor.learn("p8e-canary-of-one");
        one.err("error: it is p8e-canary-of-one\n");
        other.err("error: it is nothing\n");
        assert_eq!(one.said(), format!("error: it is {}\n", bpconform_steps::redact::MASK));
        assert_eq!(other.said(), "error: it is nothing\n");
        assert_eq!(other.redactor.redact_learned("p8e-canary-of-one"), "p8e-canary-of-one");
    }

    #[test]
    fn a_panic_shows_no_secret() {
        let output = Output::default();
        output.redactor.learn("p8e-canary-of-panics");
        let printed: Arc<Mutex<String>> = Arc::default();
        let (gate, heard) = (output.clone(), Arc::clone(&printed));
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            *heard.lock().unwrap_or_else(PoisonError::into_inner) += &gate.redactor.redact(&panic_message(panic));
        }));
        let panic = std::panic::catch_unwind(|| panic!("no such p8e-canary-of-panics"));
        std::panic::set_hook(before);
        let printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(panic.is_err() && printed.contains("no such ") && printed.contains("please report it"), "{printed}");
        assert!(!printed.contains("p8e-canary"), "{printed}");
    }
}
