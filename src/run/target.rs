//! What a run checks.

use bpconform_steps::credentials::Credentials;
use bpconform_steps::stack::Stack;

use crate::mocked::control::Control;

/// What is checked.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a run has one of it")]
pub enum Target {
    /// The embedded mocks, a stack of its own for each scenario.
    Mock,
    /// A real Author, or one that is served elsewhere.
    Author(Stack, Credentials),
    /// An Author in a container that was started for the run.
    Container(Contained),
}

impl Target {
    /// The word for it, as in the record.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Mock => "mock",
            Self::Author(..) => "author",
            Self::Container(_) => "container",
        }
    }

    /// Whether it is mocks, which can be put into any state and lose nothing: embedded, or in a container and verified.
    pub const fn is_mocked(&self) -> bool {
        match self {
            Self::Mock => true,
            Self::Author(..) => false,
            Self::Container(contained) => contained.mocks.is_some(),
        }
    }

    /// A real Author, whose state must be as before in the end.
    pub(crate) fn real(&self) -> Option<(&Stack, &Credentials)> {
        self.place().filter(|_| !self.is_mocked())
    }

    /// Where its systems are and who the run is; embedded mocks have a place for each scenario.
    pub(crate) fn place(&self) -> Option<(&Stack, &Credentials)> {
        match self {
            Self::Mock => None,
            Self::Author(stack, credentials) => Some((stack, credentials)),
            Self::Container(contained) => Some((&contained.stack, &contained.credentials)),
        }
    }

    /// The same of a real Author, for who knows more of it.
    pub(crate) fn real_mut(&mut self) -> Option<(&mut Stack, &mut Credentials)> {
        match self {
            Self::Author(stack, credentials) => Some((stack, credentials)),
            Self::Container(contained) if contained.mocks.is_none() => {
                Some((&mut contained.stack, &mut contained.credentials))
            }
            Self::Mock | Self::Container(_) => None,
        }
    }
}

/// An Author in a container: how a run reaches it.
#[derive(Clone, Debug)]
pub struct Contained {
    /// The image that it was started from.
    pub image: Image,
    /// Where its systems are.
    pub stack: Stack,
    /// Who the run is.
    pub credentials: Credentials,
    /// The control of the mocks, when they are what the container holds.
    pub mocks: Option<Control>,
    /// The deliberate deviations of those mocks.
    pub defects: Vec<String>,
    /// Whether something that it writes to outlives it.
    pub outlived: bool,
}

/// What an image says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// Its name, as the operator wrote it.
    pub name: String,
    /// Its id, which names exactly this one.
    pub id: String,
    /// Whether it says that it is the mocks.
    pub is_mocks: bool,
    /// The paths that it wants to outlive its containers.
    pub volumes: Vec<String>,
}
