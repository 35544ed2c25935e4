//! The time of the target: the mocks' clock where they have one, else the time of this machine.

use jiff::Timestamp;
use serde_json::Value;

use crate::call::Call;
use crate::problem::{Checked, Problem};
use crate::session::Session;

/// What time it is for the target.
pub async fn now(session: &Session) -> Checked<Timestamp> {
    if session.stack.control.is_none() {
        return Ok(Timestamp::now());
    }
    let reply = session.send(Call::to("control.clock")).await?.expect_status(&[200])?;
    let json = reply.json()?;
    let now = json.get(session.surface("control.clock").field("now")).and_then(Value::as_str);
    now.and_then(|now| now.parse().ok())
        .ok_or_else(|| Problem::error(format!("{} does not say what time it is; {}", reply.what(), reply.excerpt())))
}
