//! The IMS configuration that a scenario is about, shared by the steps of two features.

/// The IMS configuration that the scenario is about.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    /// Its PID.
    pub(super) pid: String,
    /// Its title.
    pub(super) title: String,
}
