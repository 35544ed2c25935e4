//! How a run performs steps without a known endpoint: it skips them, or performs them in a browser.

use std::path::{Path, PathBuf};

use bpconform_fixtures::UserInterface;
use bpconform_steps::browser::Browser;
use bpconform_steps::page_files::PageFiles;
use bpconform_steps::run::{Browsing, PageActions};
use url::Url;

use crate::plan::BrowserFacts;

/// How actions are done.
#[derive(Clone, Debug, Default)]
pub enum Via {
    /// By HTTP requests only.
    #[default]
    Http,
    /// In a browser, which is there.
    Browser(BrowserChoice),
    /// In a browser, which is not there: why.
    NoBrowser(String),
}

/// The chosen browser.
#[derive(Clone, Debug)]
pub struct BrowserChoice {
    /// The program; none for the one that is installed.
    pub program: Option<PathBuf>,
    /// Whether its window is shown.
    pub headed: bool,
    /// Whether every action with documented steps is done in it, not only those whose endpoint is unknown.
    pub everything: bool,
    /// Whether pages run in its sandbox.
    pub sandboxed: bool,
    /// What its pages send for the actions of the run.
    pub sent: PageActions,
    /// Where pictures of its pages are kept.
    pub files: PageFiles,
}

impl Via {
    /// A browser for the pages of that Author.
    pub fn browser(program: Option<&Path>, headed: bool, everything: bool, author: &Url, files: PageFiles) -> Self {
        match Browser::new(program, headed, author, "") {
            Ok(browser) => {
                let (program, sandboxed) = (program.map(Path::to_owned), browser.is_sandboxed());
                let sent = PageActions::default();
                Self::Browser(BrowserChoice { program, headed, everything, sandboxed, sent, files })
            }
            Err(why) => Self::NoBrowser(why),
        }
    }

    /// What the plan needs to know.
    pub(super) fn facts(&self) -> BrowserFacts<'_> {
        match self {
            Self::Http => BrowserFacts::Unused,
            Self::Browser(_) => BrowserFacts::Ready(UserInterface::built_in()),
            Self::NoBrowser(why) => BrowserFacts::Missing(why),
        }
    }

    /// Where pictures of the pages are kept.
    pub(super) fn files(&self) -> PageFiles {
        match self {
            Self::Browser(choice) => choice.files.clone(),
            Self::Http | Self::NoBrowser(_) => PageFiles::default(),
        }
    }

    /// The browser of a run with that id.
    pub(super) fn begin(&self, author: &Url, run: &str) -> Option<Browsing> {
        let Self::Browser(choice) = self else { return None };
        let browser = Browser::new(choice.program.as_deref(), choice.headed, author, run).ok()?;
        let interface = UserInterface::built_in().clone();
        let (sent, files) = (choice.sent.clone(), choice.files.clone());
        Some(Browsing { browser, interface, everything: choice.everything, sent, files })
    }
}
