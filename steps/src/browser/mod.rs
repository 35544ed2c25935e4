//! A browser of this machine, Chromium or Chrome, driven over its DevTools protocol.
//!
//! It has no network. Each request of a page is stopped before it leaves and passed to the driver of the page, which sends
//! it like every other request of the run, or blocks it. So the browser needs no credentials, certificates or proxy, and
//! reaches only what the run may reach.

pub(crate) mod console;
mod devtools;
pub(crate) mod elements;
mod fallbacks;
mod lists;
pub mod login_window;
mod masking;
pub mod note;
mod outline;
pub(crate) mod page;
pub(crate) mod picture;
mod process;
mod scripts;
pub(crate) mod traffic;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Mutex, MutexGuard};
use url::Url;

use crate::problem::{Checked, Problem};
use crate::stack::Stack;
use devtools::DevTools;
pub(crate) use devtools::Event;
use page::Page;
use process::{Launch, Process};

/// A browser that is started when it is needed first. It does one thing at a time.
#[derive(Debug)]
pub struct Browser {
    program: PathBuf,
    headed: bool,
    sandboxed: bool,
    name: String,
    started: AtomicU32,
    running: Mutex<Option<Running>>,
}

/// A running browser.
#[derive(Debug)]
pub(crate) struct Running {
    devtools: DevTools,
    process: Process,
    pub(crate) events: Mutex<UnboundedReceiver<Event>>,
}

impl Running {
    async fn call(&self, method: &'static str, params: Value) -> Checked<Value> {
        self.devtools.call(None, method, params).await
    }

    /// Opens an empty page.
    pub(crate) async fn page(&self) -> Checked<Page<'_>> {
        Page::new(self).await
    }

    /// The page of the window that a person sees first.
    pub(crate) async fn first_page(&self) -> Checked<Page<'_>> {
        Page::first(self).await
    }
}

impl Browser {
    /// The browser at `program`, or the one that is installed, for pages of that Author; `name` distinguishes its profile.
    /// The error says what is missing.
    pub fn new(program: Option<&Path>, headed: bool, author: &Url, name: &str) -> Result<Self, String> {
        let (program, sandboxed) = program_for(program, author)?;
        let (name, started, running) = (name.to_owned(), AtomicU32::new(0), Mutex::new(None));
        Ok(Self { program, headed, sandboxed, name, started, running })
    }

    /// Whether pages run in the browser's sandbox; root has none.
    pub const fn is_sandboxed(&self) -> bool {
        self.sandboxed
    }

    /// The browser, for one user at a time; it is started if it does not run, or has ended.
    pub(crate) async fn turn(&self) -> Checked<Turn<'_>> {
        let mut running = self.running.lock().await;
        let alive = match running.as_ref() {
            Some(browser) => browser.call("Browser.getVersion", json!({})).await.is_ok(),
            None => false,
        };
        if !alive {
            end(running.take()).await;
            *running = Some(self.start().await?);
        }
        Ok(Turn(running))
    }

    async fn start(&self) -> Checked<Running> {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let profile = format!("bpconform-{}-{}-{number}", self.name, std::process::id());
        let profile = std::env::temp_dir().join(profile);
        let launch = Launch::driven(&self.program, &profile, self.headed, self.sandboxed);
        let display =
            if self.headed { "; its window needs a display that exists, see DISPLAY and WAYLAND_DISPLAY" } else { "" };
        let no_start =
            |why: String| Problem::error(format!("{} does not start: {why}{display}", self.program.display()));
        let (process, to, from) = Process::start(&launch).map_err(|error| no_start(error.to_string()))?;
        let (devtools, events) = DevTools::through(to, from);
        let running = Running { devtools, process, events: Mutex::new(events) };
        let patterns = json!({ "patterns": [{ "urlPattern": "*", "requestStage": "Request" }] });
        // For the whole browser, so that windows, frames and workers of a page are included.
        match running.call("Fetch.enable", patterns).await {
            Ok(_) => Ok(running),
            Err(problem) => {
                end(Some(running)).await;
                Err(no_start(problem.reason))
            }
        }
    }

    /// Ends the browser, if it was started, and removes its profile.
    pub async fn close(&self) {
        end(self.running.lock().await.take()).await;
    }
}

/// The program at `program`, or the one that is installed, and whether pages run in its sandbox. The error says what is
/// missing.
fn program_for(program: Option<&Path>, author: &Url) -> Result<(PathBuf, bool), String> {
    if !cfg!(unix) {
        return Err("a browser can be driven on Linux and macOS only".to_owned());
    }
    let program = match program {
        Some(program) if program.is_file() => program.to_owned(),
        Some(program) => return Err(format!("no file {} exists", program.display())),
        None => process::find().ok_or("no Chromium or Chrome was found: install one, or say --browser PATH")?,
    };
    let sandboxed = !is_root();
    if !sandboxed && !Stack::is_stand_in(author) {
        return Err(
            "Chromium has no sandbox when root runs it, so it opens only pages of this machine: run bpconform as \
            another user"
                .to_owned(),
        );
    }
    Ok((program, sandboxed))
}

async fn end(running: Option<Running>) {
    let Some(Running { devtools, process, .. }) = running else { return };
    // This closes the pipe.
    drop(devtools);
    process.end().await;
}

/// The browser, for as long as it is held.
#[derive(Debug)]
pub(crate) struct Turn<'a>(MutexGuard<'a, Option<Running>>);

impl Turn<'_> {
    /// The running browser.
    pub(crate) fn browser(&self) -> Checked<&Running> {
        self.0.as_ref().ok_or_else(|| Problem::error("the browser has ended"))
    }
}

#[cfg(target_os = "linux")]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    // The owner of a process's own directory is its effective user.
    std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

#[cfg(not(target_os = "linux"))]
fn is_root() -> bool {
    std::env::var_os("USER").is_some_and(|user| user == "root")
}
