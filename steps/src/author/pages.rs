//! Whether the Author shows a page, or data, to the run's user.

use bpconform_fixtures::Cause;

use super::users;
use crate::call::Call;
use crate::html::Page;
use crate::problem::{Checked, Problem};
use crate::reply::Reply;
use crate::session::Session;

/// Opens it. Gives back the status with which it is denied, or none; what is neither shown nor denied is an error.
pub async fn denied(session: &Session, call: Call) -> Checked<Option<u16>> {
    let reply = session.send(call).await?;
    let denied = match reply.status {
        200 => reply.is_login(),
        300..400 => reply.redirects_to_login(),
        status => matches!(status, 401 | 403 | 404),
    };
    if denied {
        still_known(session, &reply).await?;
        return Ok(Some(reply.status));
    }
    // 300 is what a tree says that is too deep to be sent at once.
    judge(session, &reply.expect_status(&[200, 300])?).map(|()| None)
}

/// An error if something other than the Author denies access: a web server or a gateway with its own page, or an expired
/// session.
async fn still_known(session: &Session, reply: &Reply) -> Checked {
    if matches!(reply.status, 403 | 404) && reply.is_foreign_page() {
        let problem = reply.instead("a page that is not the Author's own");
        return Err(problem.because(Cause::GatewayInstead));
    }
    let user = users::current(session).await;
    if user.is_ok_and(|user| user != "anonymous") {
        return Ok(());
    }
    let problem = Problem::error(format!("{} answered {}: the session has ended half-way", reply.what(), reply.status));
    Err(problem.because(Cause::SessionEnded))
}

/// An error unless the reply is what the endpoint returns: the expected page, identified by its content, or JSON.
pub fn judge(session: &Session, reply: &Reply) -> Checked {
    let phrases = &session.surface(&reply.surface).phrases;
    match (phrases.get("mark"), phrases.get("page")) {
        (None, None) => reply.json().map(drop),
        (mark, phrase) => {
            reply.page(|page| shows(page, mark.map(String::as_str), phrase.map(String::as_str))).map(drop)
        }
    }
}

/// Whether a page is the one that was asked for: an attribute names its component, in any language; or it says so in
/// English.
fn shows(page: &str, mark: Option<&str>, phrase: Option<&str>) -> bool {
    mark.is_some_and(|mark| Page::read(page).mentions(mark)) || phrase.is_some_and(|phrase| page.contains(phrase))
}
