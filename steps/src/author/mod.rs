//! Readers of the Author: each asks one kind of thing and gives back a typed value, or a problem that says what came
//! instead. None of them judges: what a value should be is for the steps to say.

pub mod agents;
pub mod bundles;
pub mod cloud_configuration;
pub mod html;
pub mod ims_configurations;
pub mod osgi_file;
pub mod product;
pub mod queue;
pub mod repository;
pub mod transcript;
pub mod users;
