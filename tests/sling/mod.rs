//! The harness against a real Apache Sling, with Oak and FileVault, that is configured like an AEM Author, and that this
//! project did not write. Parts that only AEM has are replaced by stand-ins (`stand-ins/`). Without a JDK and Maven these
//! tests pass, and print that they did not run.

mod author;
mod distribution;
mod drift;
mod packages;
mod replaced;
mod rights;
mod starting;
mod verdicts;
