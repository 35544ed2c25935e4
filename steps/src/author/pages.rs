//! Whether the Author shows a page, or data, to the run's user.

use bpconform_fixtures::Cause;

use super::users;
use crate::call::Call;
use crate::html::Page;
use crate::problem::{Checked, Problem};
use crate::reply::Reply;
use crate::session::Session;

/// What a person who sets Brand Portal up must be able to open, as the features call it.
pub const NEEDED: [&str; 8] = [
    "Tools > Security > Adobe IMS Configurations",
    "Tools > Deployment > Replication > Agents on author",
    "the replication agents in the repository",
    "the stored IMS configurations",
    "the Brand Portal cloud configurations",
    "the users of the Author",
    "Package Manager",
    "the OSGi bundles of the Web Console",
];

/// The request for a page or a type of data that the features name.
pub fn request(name: &str) -> Checked<Call> {
    Ok(match name {
        "Tools > Security > Adobe IMS Configurations" => Call::to("author.ims-console"),
        "Tools > Deployment > Replication > Agents on author" => Call::to("author.agents-page"),
        "the replication agents in the repository" => Call::to("author.agents"),
        "the stored IMS configurations" => Call::to("author.ims-storage"),
        "the Brand Portal cloud configurations" => Call::to("author.cloud-storage"),
        "the users of the Author" => {
            Call::to("author.querybuilder").property("path", "/home/users").property("p.limit", "1")
        }
        "Package Manager" => Call::to("author.packages"),
        "the OSGi bundles of the Web Console" => Call::to("author.bundles"),
        _ => return Err(Problem::error(format!("the harness knows no page \"{name}\""))),
    })
}

/// An error unless the reply is AEM's login page. Another page is not evidence about AEM: it may come from a proxy or a
/// gateway.
pub fn judge_login(session: &Session, reply: &Reply) -> Checked {
    let reply = reply.clone().expect_status(&[200])?;
    let ready = session.surface("author.login-page").phrase("ready");
    let is_whole = reply.text().contains(ready) && !reply.is_cut_off();
    if is_whole { Ok(()) } else { Err(reply.instead("something else than AEM's login page")) }
}

/// Opens it. Gives back the status with which it is denied, or none; what is neither shown nor denied is an error.
pub async fn denied(session: &Session, call: Call) -> Checked<Option<u16>> {
    let reply = session.send(call).await?;
    if reply.redirects_to_login() || (reply.status == 200 && reply.is_login()) {
        // The Author knows the user elsewhere, so that a login page does not say what the user may open.
        still_known(session, &reply).await?;
        return Err(reply.instead("a login page in place of what was asked for").because(Cause::LoginInstead));
    }
    if matches!(reply.status, 403 | 404) {
        still_known(session, &reply).await?;
        return Ok(Some(reply.status));
    }
    if reply.status == 401 {
        // The Author accepts the user elsewhere, so that something else asks for another login.
        still_known(session, &reply).await?;
        let problem = Problem::error(format!(
            "{} answered 401, and the Author accepts the user elsewhere: it wants another login",
            reply.what()
        ));
        return Err(problem.because(Cause::CredentialsRefused));
    }
    // 300 is what a tree says that is too deep to be sent at once.
    judge(session, &reply.expect_status(&[200, 300])?).map(|()| None)
}

/// An error if something other than the Author denies access: a web server or a gateway with its own page, or an expired
/// session.
async fn still_known(session: &Session, reply: &Reply) -> Checked {
    if matches!(reply.status, 403 | 404) && !reply.is_authors_own() {
        let problem = reply.instead("something that is not the Author's own page");
        return Err(problem.because(Cause::GatewayInstead));
    }
    let user = users::current(session).await;
    if user.is_ok_and(|user| user != "anonymous") {
        return Ok(());
    }
    let problem =
        Problem::error(format!("{} answered {}: the session has ended during the run", reply.what(), reply.status));
    Err(problem.because(Cause::SessionEnded))
}

/// An error unless the reply is what the endpoint returns: the expected page, identified by its content, or JSON.
pub fn judge(session: &Session, reply: &Reply) -> Checked {
    let surface = session.surface(&reply.surface);
    let Some(mark) = surface.phrases.get("mark") else { return reply.json().map(drop) };
    let is_the_page = |page: &str| {
        let page = Page::read(page);
        // An attribute names the page's component, in any language; a page without it may still have the documented title.
        page.mentions(mark) || surface.wording.get("page").is_some_and(|title| page.lines().contains(title))
    };
    reply.page(is_the_page).map(drop)
}
