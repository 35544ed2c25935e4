//! The flags that say whether a run uses a browser, and which.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

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
