//! The flags that say whether a run uses a browser, and which.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::values::seconds;

/// The use of a browser.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Browser")]
pub struct BrowserArgs {
    /// How documented actions are done: by HTTP requests, or as a person does them, in Chromium or Chrome; needs --target
    /// author or container
    #[arg(long, value_enum, default_value_t)]
    pub via: ViaKind,
    /// The browser [default: the first of chromium, google-chrome, chrome and microsoft-edge that is installed]
    #[arg(long, value_name = "PATH")]
    pub browser: Option<PathBuf>,
    /// Show the window of the browser
    #[arg(long)]
    pub headed: bool,
    /// Write the requests that the pages of the Author sent to this file of endpoints; with --surfaces FILE the next run
    /// needs no browser
    #[arg(long, value_name = "FILE")]
    pub learn: Option<PathBuf>,
    /// Who logs in at the Author: the run with its credentials, or a person in a window of the browser, for example with
    /// single sign-on; needs --target author
    #[arg(long, value_enum, default_value_t, env = "BPCONFORM_LOGIN")]
    pub login: LoginKind,
    /// The time limit for --login manual, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "300", env = "BPCONFORM_LOGIN_TIMEOUT")]
    pub login_timeout: Duration,
    /// The user data directory of Chromium or Chrome for --login manual, so that a session of yours is used again; it is
    /// not removed [default: a new one, which is removed]
    #[arg(long, value_name = "DIR", env = "BPCONFORM_BROWSER_PROFILE")]
    pub browser_profile: Option<PathBuf>,
}

/// Who logs in at the Author.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LoginKind {
    /// The run, with its credentials.
    #[default]
    Credentials,
    /// A person, in a window of the browser.
    Manual,
}

/// How documented actions are done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ViaKind {
    /// By HTTP; a scenario whose endpoint is unknown is skipped.
    #[default]
    Http,
    /// In a browser, where the steps are documented.
    Browser,
    /// By HTTP; in a browser where the endpoint is unknown.
    Auto,
}
