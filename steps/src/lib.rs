//! How each sentence of the features is checked: the cucumber World, the clients of the target, and one module of
//! steps for each feature. Everything that is sent goes through [`session::Session::send`].

pub mod arrivals;
pub mod author;
pub mod browser;
pub mod call;
#[cfg(test)]
mod canned;
mod carry;
pub mod clock;
pub mod credentials;
pub mod evidence;
pub mod html;
pub mod ims;
pub mod journal;
pub mod jwt;
pub mod login;
pub mod memory;
mod named_certificate;
pub mod outside;
pub mod page_files;
mod page_sending;
mod pattern;
pub mod plain;
pub mod problem;
pub mod reads;
pub mod redact;
pub mod reply;
pub mod resolver;
pub mod run;
mod sending;
pub mod session;
pub mod stack;
mod state_dir;
pub mod steps;
pub mod tenant;
mod turns;
pub mod under_way;
pub mod undo;
pub mod undoing;
mod waiting;
pub mod welcome;
pub mod wire;
pub mod world;

pub use call::Call;
pub use problem::{Kind, Problem};
pub use session::Session;
pub use world::World;
