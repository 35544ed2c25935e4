//! Mocks of the four systems of the documentation: IMS, Developer Console, Author and tenant.
//! Each is a pure state machine ([`machine::Machine`]): it answers a request with a response, or first asks for calls to
//! other systems. The [`server`] gives each machine its own port and makes the calls over real HTTP, so that the Author
//! requests its token from IMS and posts to the tenant.

pub mod author;
pub mod authority;
pub mod clock;
pub mod console;
pub mod deviations;
pub mod faults;
pub mod form;
mod free_port;
pub mod ims;
pub mod machine;
pub mod renewal;
pub mod routing;
pub mod server;
pub mod stack;
pub mod tenant;
