//! The mocked AEM Author.

pub mod repository;
