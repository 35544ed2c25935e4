//! The harness against a real Apache Sling, with Oak and FileVault, that is configured like an AEM Author: one that
//! nobody here wrote. What is AEM's own has stand-ins (`stand-ins/`). Without a JDK and Maven these tests pass, and say
//! that they were not made.

mod author;
mod drift;
mod replaced;
mod rights;
mod starting;
mod verdicts;
