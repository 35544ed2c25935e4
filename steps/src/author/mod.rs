//! Readers of the Author. Each one reads one kind of object and returns a typed value, or a problem that names what was
//! received instead; the steps judge the values. [`setup`] creates the objects that a person creates by the documentation.

mod address;
pub mod agents;
pub mod assets;
pub mod bundles;
pub mod certificates;
pub mod client_secrets;
pub mod cloud_configuration;
pub mod delivery;
pub mod distribution;
pub mod distribution_log;
pub mod distribution_verdicts;
pub mod error_log;
pub mod failing;
pub mod ims_configurations;
pub mod keeping;
mod kept;
pub mod lock;
pub mod log;
pub mod osgi_file;
mod own_refusals;
pub mod pages;
pub mod product;
pub mod proxies;
pub mod publication;
pub mod publisher;
pub mod queue;
pub mod queue_page;
pub mod removal;
pub mod repository;
pub mod setup;
pub mod snapshot;
pub mod tenants;
pub mod transcript;
mod tree;
pub mod users;
mod vault;
