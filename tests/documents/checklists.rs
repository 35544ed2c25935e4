//! The checklists of CONTRIBUTING.md.
