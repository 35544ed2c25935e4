//! The exit codes: each means one thing, so that a pipeline can distinguish a wrong target from an inconclusive run.

/// The exit code of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// At least one required check ran and passed, and none failed.
    Green = 0,
    /// The target deviates from the documentation.
    NonConformant = 1,
    /// The command line, the environment or a file was invalid.
    Usage = 2,
    /// Inconclusive: the target could not be reached, or could not be judged.
    Unreachable = 3,
    /// Nothing was proved: no scenario was selected, or all were skipped; or less than required.
    NothingProved = 4,
    /// The verdicts differ from the baseline.
    Baseline = 5,
    /// The harness itself failed.
    Internal = 6,
    /// Some change of the run could not be undone.
    CleanUp = 7,
    /// Interrupted by Ctrl-C.
    Interrupted = 130,
}

impl Exit {
    /// The number that the operating system receives.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The meaning, as a fragment of a sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Green => "conforms",
            Self::NonConformant => "does not conform",
            Self::Usage => "wrong usage or configuration",
            Self::Unreachable => "inconclusive: the target was not reached, or not judged",
            Self::NothingProved => "nothing, or less than required, was proved",
            Self::Baseline => "differs from the baseline",
            Self::Internal => "internal error",
            Self::CleanUp => "clean-up incomplete",
            Self::Interrupted => "interrupted",
        }
    }
}
