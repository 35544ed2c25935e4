//! Whether the Author shows a page, or data, to the run's user.

use crate::call::Call;
use crate::problem::Checked;
use crate::reply::Reply;
use crate::session::Session;

/// Opens it. Gives back the status with which it is denied, or none; what is neither shown nor denied is an error.
pub async fn denied(session: &Session, call: Call) -> Checked<Option<u16>> {
    let reply = session.send(call).await?;
    let denied = match reply.status {
        200 => reply.is_login(),
        300..400 => reply.header("location").is_some_and(|to| to.contains("login")),
        status => matches!(status, 401 | 403 | 404),
    };
    if denied {
        return Ok(Some(reply.status));
    }
    // 300 is what a tree says that is too deep to be sent at once.
    judge(session, &reply.expect_status(&[200, 300])?).map(|()| None)
}

/// Fails to tell, unless the reply is what its surface shows: a page that says which one it is, or JSON.
pub fn judge(session: &Session, reply: &Reply) -> Checked {
    match session.surface(&reply.surface).phrases.get("page") {
        Some(phrase) => reply.page(|page| page.contains(phrase)).map(drop),
        None => reply.json().map(drop),
    }
}
