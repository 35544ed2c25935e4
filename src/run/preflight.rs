//! Checks before the first scenario on a real target: does the Author answer, is it AEM, are the credentials accepted? If
//! not, every scenario would end in an error; here it is one clear message.

use bpconform_steps::call::Authentication;
use bpconform_steps::credentials::AuthorLogin;
use bpconform_steps::reply::Reply;
use bpconform_steps::{Call, Session};

/// Checks, without credentials, that AEM's login page is there; the error contains what was observed and what to do.
pub async fn check_without_credentials(session: &Session) -> Result<(), String> {
    let login = send(session, Call::to("author.login-page").as_whom(Authentication::None)).await?;
    match login.status {
        _ if is_login_page(session, &login) => Ok(()),
        301..=308 => Err(redirected(session, &login)),
        _ => Err(not_aem(&login)),
    }
}

fn is_login_page(session: &Session, login: &Reply) -> bool {
    login.status == 200 && login.text().contains(session.surface("author.login-page").phrase("ready"))
}

/// Checks the Author; the error contains what was observed and what to do.
pub async fn check(session: &Session) -> Result<(), String> {
    let login = send(session, Call::to("author.login-page").as_whom(Authentication::None));
    let user = send(session, Call::to("author.current-user"));
    let (login, user) = futures::future::join(login, user).await;
    let (login, user) = (login?, user?);
    let ready = session.surface("author.login-page").phrase("ready");
    let is_aem = is_login_page(session, &login);
    let refused = not_accepted(session);
    match (user.status, user_id(&user)) {
        (200, Some(id)) if id != "anonymous" => {
            session.run.welcome.given();
            Ok(())
        }
        (401 | 403, _) => {
            let advice = session.run.login.advice().map_or_else(String::new, |advice| format!("; {advice}"));
            Err(format!("{} answered {}: {refused}{advice}", user.what(), user.status))
        }
        (200, Some(id)) => Err(format!("{} answered that the user is {id}: {refused}", user.what())),
        (301..=308, _) => Err(redirected(session, &user)),
        (200, None) if is_aem || user.text().contains(ready) => {
            Err(format!("{} answered with a login page instead of JSON: {refused}", user.what()))
        }
        _ if is_aem => Err(format!("{} answered {}; {}", user.what(), user.status, user.excerpt())),
        _ => Err(not_aem(&login)),
    }
}

/// That the Author rejects the credentials, and what to check.
fn not_accepted(session: &Session) -> String {
    let what = match session.credentials.author_login() {
        Ok(AuthorLogin::Token(_)) => "the access token",
        Ok(AuthorLogin::Cookies(_)) => "the session of the browser",
        _ => "user or password",
    };
    format!("the Author rejects {what}; {}", session.credentials.author_advice())
}

async fn send(session: &Session, call: Call) -> Result<Reply, String> {
    session.send(call).await.map_err(|problem| problem.reason)
}

fn user_id(reply: &Reply) -> Option<String> {
    Some(reply.json().ok()?.get("authorizableId")?.as_str()?.to_owned())
}

fn redirected(session: &Session, reply: &Reply) -> String {
    let to = reply.header("location").unwrap_or("nowhere");
    if reply.redirects_to_login() {
        return format!("{} redirects to the login page {to}: {}", reply.what(), not_accepted(session));
    }
    let advice = "use that address if it is the Author's; check scheme, host and context path";
    format!("{} redirects to {to}; {advice}", reply.what())
}

fn not_aem(login: &Reply) -> String {
    // An Author answers 404 and 503 until its bundles are up, and an empty 401 before there is something to log in with.
    let starting = matches!(login.status, 404 | 500..=599) || login.status == 401 && login.body.is_empty();
    let advice = if starting {
        "it may still be starting: wait until its login page appears; otherwise check host, port and context path"
    } else {
        "check host, port and context path"
    };
    let (what, status, excerpt) = (login.what(), login.status, login.excerpt());
    format!("this does not look like AEM: {what} answered {status}; {excerpt}; {advice}")
}
