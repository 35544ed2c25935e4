//! A stand-in for the four systems of the documentation: IMS, Developer Console, Author and tenant.
//!
//! Each is a pure state machine ([`machine::Machine`]): a request goes in, a response comes out, or calls to other
//! systems that must be made first. The shell ([`server`]) gives each its own port and carries the calls out over real
//! HTTP, so that the Author really asks IMS for a token and really posts to the tenant.

pub mod author;
pub mod authority;
pub mod clock;
pub mod console;
pub mod defects;
pub mod faults;
pub mod form;
pub mod ims;
pub mod machine;
pub mod renewal;
pub mod routing;
pub mod server;
pub mod stack;
pub mod tenant;
