//! Whether the Author still accepts the run's login. A session that ends during a run (the password was changed, the user
//! locked, a gateway's log-in ran out) must not be mistaken for the Author's answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bpconform_fixtures::Cause;

use crate::call::{Authentication, Call};
use crate::problem::{Checked, Problem};
use crate::reply::Reply;

/// Whether the Author has identified the run as a user. Clones share the state.
#[derive(Clone, Debug, Default)]
pub struct Welcome(Arc<AtomicBool>);

impl Welcome {
    /// The Author has identified the run as a user. From now on a refusal may mean that the session has ended.
    pub fn given(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// The request that checks whether the Author still accepts the login: sent after an answer that may be a refusal,
    /// which may also concern this resource only.
    pub(crate) fn doubt(&self, whom: &Authentication, reply: &Reply) -> Option<Call> {
        let doubtful = *whom == Authentication::Usual && refuses(reply) && self.0.load(Ordering::Relaxed);
        doubtful.then(|| Call::to("author.current-user"))
    }
}

/// Whether an answer sends one to log in.
fn refuses(reply: &Reply) -> bool {
    match reply.status {
        401 => true,
        301..=308 => reply.redirects_to_login(),
        _ => false,
    }
}

/// The id of the user that the Author knows, by its answer to that question; none for a visitor.
pub fn known(user: &Reply) -> Option<String> {
    let answer = user.json().ok().filter(|_| user.status == 200)?;
    answer["authorizableId"].as_str().filter(|id| *id != "anonymous").map(str::to_owned)
}

/// The refusal if the Author still knows the run, otherwise the end of its session.
pub(crate) fn judge(refusal: Reply, user: &Reply) -> Checked<Reply> {
    if known(user).is_some() {
        return Ok(refusal);
    }
    let problem = Problem::error(format!(
        "{} answered {}: the session has ended during the run; the Author accepted the login before and now rejects \
        it: was the password changed, the user locked, or has a token expired?",
        refusal.what(),
        refusal.status
    ));
    Err(problem.because(Cause::SessionEnded))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
        Reply {
            surface: "author.agents".into(),
            method: "GET".into(),
            url: url::Url::parse("http://localhost/a").expect("a URL"),
            status,
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: body.into(),
            redactor: crate::redact::Redactor::default(),
        }
    }

    #[test]
    fn only_who_was_welcome_doubts_a_refusal() {
        let (welcome, usual) = (Welcome::default(), Authentication::Usual);
        assert_eq!(welcome.doubt(&usual, &reply(401, &[], "")), None);
        welcome.given();
        assert!(welcome.doubt(&usual, &reply(401, &[], "")).is_some());
        assert!(welcome.doubt(&usual, &reply(302, &[("location", "https://sso/login?a")], "")).is_some());
        assert_eq!(welcome.doubt(&usual, &reply(302, &[("location", "/content.html")], "")), None);
        assert_eq!(welcome.doubt(&usual, &reply(403, &[], "")), None);
        assert_eq!(welcome.doubt(&Authentication::None, &reply(401, &[], "")), None);
    }

    #[test]
    fn a_resource_that_refuses_is_told_from_the_end_of_the_session() {
        let judged = |user: &Reply| judge(reply(401, &[], ""), user).map(|reply| reply.status);
        assert_eq!(judged(&reply(200, &[], r#"{"authorizableId":"harness"}"#)), Ok(401));
        for user in
            [reply(401, &[], ""), reply(200, &[], r#"{"authorizableId":"anonymous"}"#), reply(200, &[], "<html>")]
        {
            let problem = judged(&user).expect_err("nobody");
            assert!(problem.reason.contains("the session has ended during the run"), "{problem}");
        }
    }
}
