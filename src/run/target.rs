//! The target of a run.

use bpconform_steps::credentials::Credentials;
use bpconform_steps::stack::Stack;

use crate::mocked::control::Control;

/// The target of a run.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a run has one of it")]
pub enum Target {
    /// The embedded mocks, with a separate stack for each scenario.
    Mock,
    /// A real Author, or one that is served elsewhere.
    Author(Stack, Credentials),
    /// An Author in a container that was started for the run.
    Container(Contained),
}

impl Target {
    /// The name in the record.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Mock => "mock",
            Self::Author(..) => "author",
            Self::Container(_) => "container",
        }
    }

    /// Whether it consists of mocks, which can be put into any state without loss: embedded ones, or a verified container.
    pub const fn is_mocked(&self) -> bool {
        match self {
            Self::Mock => true,
            Self::Author(..) => false,
            Self::Container(contained) => contained.mocks.is_some(),
        }
    }

    /// The addresses and credentials of a real Author, whose state must be restored at the end.
    pub(crate) fn real(&self) -> Option<(&Stack, &Credentials)> {
        self.place().filter(|_| !self.is_mocked())
    }

    /// The addresses and credentials; `None` for the embedded mocks, whose addresses differ for each scenario.
    pub(crate) fn place(&self) -> Option<(&Stack, &Credentials)> {
        match self {
            Self::Mock => None,
            Self::Author(stack, credentials) => Some((stack, credentials)),
            Self::Container(contained) => Some((&contained.stack, &contained.credentials)),
        }
    }

    /// The mutable addresses and credentials of a real Author.
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

/// An Author in a container.
#[derive(Clone, Debug)]
pub struct Contained {
    /// Its image.
    pub image: Image,
    /// The addresses of its systems.
    pub stack: Stack,
    /// The credentials of the run.
    pub credentials: Credentials,
    /// The control of the mocks, if the container holds mocks.
    pub mocks: Option<Control>,
    /// The defects of those mocks.
    pub defects: Vec<String>,
    /// Whether it writes to a mount or volume that outlives it.
    pub outlived: bool,
}

/// The metadata of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// The name, as the operator wrote it.
    pub name: String,
    /// The id, which identifies exactly this image.
    pub id: String,
    /// Whether its label identifies it as the mocks.
    pub is_mocks: bool,
    /// The paths that it declares as volumes.
    pub volumes: Vec<String>,
}
