//! A request as a step describes it: the id of an endpoint, and values for its placeholders and fields.

use std::collections::BTreeMap;

use crate::undo::Undo;

/// A bearer token that no system issued, so every system must refuse it.
pub const MADE_UP_TOKEN: &str = "bpconform.made-up.token";

/// The credentials of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Authentication {
    /// The usual ones of the system: the Author's user, the Developer Console's token, none for IMS and the tenant.
    #[default]
    Usual,
    /// Nothing.
    None,
    /// This bearer token.
    Bearer(String),
    /// This user and password.
    Basic(String, String),
}

/// The body of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Body {
    /// The fields: in the query of a GET or DELETE, otherwise urlencoded in the body.
    #[default]
    Fields,
    /// The fields in the query, whatever the method.
    FieldsInQuery,
    /// The fields as `multipart/form-data`, with a file under a field when there is one.
    Multipart(Option<Upload>),
    /// These bytes of that content type; fields go to the query.
    Bytes {
        /// The content type.
        content_type: String,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

/// A file to upload.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Upload {
    /// The harness's word for the field, as in the endpoint.
    pub field: String,
    /// The file's name.
    pub name: String,
    /// Its content type.
    pub content_type: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A request to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Call {
    /// The endpoint's id.
    pub surface: String,
    /// Which of the endpoint's paths: 0 is `path`, 1 the first of the alternatives.
    pub variant: usize,
    /// The values of the path's placeholders.
    pub arguments: BTreeMap<String, String>,
    /// Fields by their name on the wire.
    pub fields: Vec<(String, String)>,
    /// Fields by the harness's word, which the endpoint translates.
    pub words: Vec<(String, String)>,
    /// Texts by which a person recognizes the object of the request and that are not sent, such as the title for a PID.
    pub shown: Vec<(String, String)>,
    /// Additional headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// Who sends it.
    pub authentication: Authentication,
    /// The operations that undo it, in this order. A request that changes its target is only sent with them.
    pub undo: Option<Vec<Undo>>,
    /// Whether the answer contains keys, which must not be part of the evidence.
    pub confidential: bool,
    /// Whether it deletes configuration that is restored from the kept package. On a real target it is only sent if that
    /// configuration was kept.
    pub needs_kept: bool,
    /// Whether the answer to an equal read can be used for this request.
    pub reuse: Reuse,
}

/// Whether the answer to an equal read of the run can be used for another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reuse {
    /// Yes.
    #[default]
    Shared,
    /// After a few requests: the answers would reveal two different Authors behind one address, so they are compared first.
    Compared,
    /// No: the answer must be current.
    Never,
}

impl Call {
    /// A request to that endpoint.
    pub fn to(surface: &str) -> Self {
        Self { surface: surface.to_owned(), ..Self::default() }
    }

    /// Selects another path of the endpoint; 1 is the first of its alternatives.
    #[must_use]
    pub fn variant(mut self, variant: usize) -> Self {
        self.variant = variant;
        self
    }

    /// Fills a placeholder of the path.
    #[must_use]
    pub fn with(mut self, placeholder: &str, value: impl Into<String>) -> Self {
        self.arguments.insert(placeholder.to_owned(), value.into());
        self
    }

    /// Sets a field by the harness's word for it.
    #[must_use]
    pub fn field(mut self, word: &str, value: impl Into<String>) -> Self {
        self.words.push((word.to_owned(), value.into()));
        self
    }

    /// Sets a field by its name on the wire: for properties of nodes, which no endpoint can list.
    #[must_use]
    pub fn property(mut self, name: &str, value: impl Into<String>) -> Self {
        self.fields.push((name.to_owned(), value.into()));
        self
    }

    /// Sets the title or name by which a person recognizes the object; it is not sent.
    #[must_use]
    pub fn shown_as(mut self, word: &str, text: impl Into<String>) -> Self {
        self.shown.push((word.to_owned(), text.into()));
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Sets who sends it.
    #[must_use]
    pub fn as_whom(mut self, authentication: Authentication) -> Self {
        self.authentication = authentication;
        self
    }

    /// Says what undoes it, in this order.
    #[must_use]
    pub fn undone_by(mut self, undo: impl IntoIterator<Item = Undo>) -> Self {
        self.undo = Some(undo.into_iter().collect());
        self
    }

    /// Says that the answer holds keys.
    #[must_use]
    pub fn confidential(mut self) -> Self {
        self.confidential = true;
        self
    }

    /// Says that two Authors behind one address would show in the answers.
    #[must_use]
    pub fn compared(mut self) -> Self {
        self.reuse = Reuse::Compared;
        self
    }

    /// Says that only an answer of this moment will do.
    #[must_use]
    pub fn fresh(mut self) -> Self {
        self.reuse = Reuse::Never;
        self
    }

    /// Says that it is undone with all the rest when the Author's configuration is put back.
    #[must_use]
    pub fn undone_by_putting_back(mut self) -> Self {
        self.needs_kept = true;
        self.undone_by([])
    }
}
