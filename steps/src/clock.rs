//! The time of the target: the clock of the mocks if they have one, otherwise the time of this machine.

use jiff::Timestamp;
use serde_json::Value;

use crate::call::Call;
use crate::problem::{Checked, Problem};
use crate::reply::Reply;
use crate::session::Session;

/// The current time of the target.
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

/// When the target gave an answer, by its own clock: the mocks' clock, else the answer's `Date`, else the time of this
/// machine.
pub async fn of_answer(session: &Session, reply: &Reply) -> Checked<Timestamp> {
    if session.stack.control.is_some() {
        return now(session).await;
    }
    let date = reply.header("date").and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    Ok(date.map_or_else(Timestamp::now, |date| date.timestamp()))
}
