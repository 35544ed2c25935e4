//! Colours and marks, or plain text where no colour is wanted.

use std::io::IsTerminal as _;
use std::str::FromStr;

use anstyle::{AnsiColor, Effects, Style};

use crate::verdict::Verdict;

/// When to colour the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

impl Color {
    /// All values, in the order in which the help shows them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Always, Self::Never];

    /// The word for it on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }

    /// What it means, for the help.
    pub const fn help(self) -> &'static str {
        match self {
            Self::Auto => "On a terminal",
            Self::Always => "Everywhere",
            Self::Never => "Nowhere",
        }
    }
}

impl FromStr for Color {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|color| color.word() == word).ok_or_else(|| "it is auto, always or never".into())
    }
}

/// Whether and how text is styled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Styles {
    on: bool,
}

impl Styles {
    /// Plain text.
    pub const PLAIN: Self = Self { on: false };

    /// As the flag, NO_COLOR and the terminal say.
    pub fn for_stdout(color: Color) -> Self {
        let on = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                std::io::stdout().is_terminal()
                    && !refused
                    && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        };
        Self { on }
    }

    /// Whether text is styled at all.
    pub const fn are_on(self) -> bool {
        self.on
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.on { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Something that stands out.
    pub fn bold(self, text: &str) -> String {
        self.paint(Style::new().effects(Effects::BOLD), text)
    }

    /// Something of less weight.
    pub fn dim(self, text: &str) -> String {
        self.paint(Style::new().effects(Effects::DIMMED), text)
    }

    /// A text in the colour of a verdict.
    pub fn verdict(self, verdict: Verdict, text: &str) -> String {
        self.paint(colour(verdict), text)
    }

    /// The mark of a verdict; different without colour too.
    pub fn mark(self, verdict: Verdict) -> String {
        let mark = match verdict {
            Verdict::Passed => "✔",
            Verdict::Failed => "✘",
            Verdict::Error => "!",
            Verdict::Skipped => "-",
            Verdict::NotApplicable => "○",
            Verdict::Unproven => "·",
        };
        self.verdict(verdict, mark)
    }
}

fn colour(verdict: Verdict) -> Style {
    let colour = match verdict {
        Verdict::Passed => AnsiColor::Green,
        Verdict::Failed => AnsiColor::Red,
        Verdict::Error => AnsiColor::Magenta,
        Verdict::Skipped => AnsiColor::Yellow,
        Verdict::NotApplicable | Verdict::Unproven => return Style::new().effects(Effects::DIMMED),
    };
    Style::new().fg_color(Some(colour.into()))
}
