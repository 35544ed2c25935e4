//! What has become of an action that was done on a page.

use std::time::Duration;

use bpconform_fixtures::surfaces::Class;
use bpconform_fixtures::ui::{Label, UiResult};
use tokio::time::Instant;

use super::gate::Answered;
use super::shown;
use super::walk::{APPEARING, PAUSE, Walk};
use crate::plain::{beginning, tells_failure};
use crate::problem::{Checked, Problem};
use crate::reply::Reply;

/// How long what a page shows must stay the same to be its result.
const STEADY: Duration = Duration::from_millis(300);

/// How many characters of a page a message quotes.
const QUOTED: usize = 200;

impl Walk<'_> {
    /// What came back for the request of the page.
    pub(super) async fn answered(&self) -> Checked<Answered> {
        let until = Instant::now() + APPEARING + self.session.run.wire.limits.request;
        let begins_until = Instant::now() + APPEARING;
        loop {
            if let Some(answered) = self.gate.take_reply() {
                return Ok(answered);
            }
            let now = Instant::now();
            if now >= until || (now >= begins_until && !self.gate.has_sent()) {
                let seen = self.page.seen().await.unwrap_or_default();
                let seen = beginning(&self.clean(&seen), QUOTED);
                let (about, blocked) = (self.action.about.join(" or "), self.what_was_blocked());
                return Err(self
                    .problem(&format!("sent no request that names its {about}{blocked}; it shows: {seen}"))
                    .await);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The reply as the reader of the endpoint expects it: of a form that leads to another page, with the status of that
    /// page; where a person reads what has become of it, with what the page shows.
    pub(super) async fn answer(&self, answered: Answered) -> Checked<Reply> {
        let mut reply = answered.reply?;
        if let Some(refused) = refused(&reply) {
            return Err(self.at_page(refused).await);
        }
        let is_redirect = (300..400).contains(&reply.status);
        if is_redirect {
            reply.status = self.gate.document().filter(|status| !(300..400).contains(status)).unwrap_or(reply.status);
        }
        let changes = self.surface.class == Class::Change;
        // A change that is refused may be what is asked for.
        if !changes && reply.status >= 400 {
            return match reply.expect_status(&[200]) {
                Ok(reply) => Ok(reply),
                Err(problem) => Err(self.at_page(problem).await),
            };
        }
        if self.action.result == UiResult::Page && (200..300).contains(&reply.status) {
            let page = self.shown(!changes).await?;
            let lines = if is_redirect { page } else { shown::agreed(page, &reply, answered.is_shown, changes)? };
            let said = self.says();
            let lines = lines.into_iter().map(|line| shown::in_english(line, &said));
            let lines: String = lines.map(|line| format!("<p>{}</p>\n", html_escape::encode_text(&line))).collect();
            reply.body = format!("<!doctype html>\n<html><body>\n{lines}</body></html>\n").into_bytes();
        }
        Ok(reply)
    }

    /// The labels of the messages that tell of a success.
    fn says(&self) -> Vec<&Label> {
        self.action.says.iter().filter_map(|name| self.labels.get(name)).collect()
    }

    /// What is new on the page: lines without labels, then labels and dialogs of scripts that tell of a failure or a success.
    fn new_lines(&self, [said, all]: &[String; 2]) -> Vec<String> {
        let [said_before, all_before] = &self.before;
        let mut new = shown::new_lines(said_before, shown::lines(said));
        let says = self.says();
        let labels = shown::new_lines(all_before, shown::lines(all));
        for line in labels.into_iter().filter(|line| tells_failure(line) || shown::says_one_of(line, &says)) {
            if !new.contains(&line) {
                new.push(line);
            }
        }
        new.extend(self.gate.dialogs().iter().flat_map(|text| shown::lines(text)));
        new
    }

    /// Whether lines tell how the action ended, in words that are known; where none are, any lines do.
    fn is_told(&self, lines: &[String]) -> bool {
        let says = self.says();
        says.is_empty() || lines.iter().any(|line| tells_failure(line) || shown::says_one_of(line, &says))
    }

    /// The lines that the page shows since its request could be sent, once they stay the same; `waits` for one at least, and
    /// longer for what tells how the action ended: a page may first say that it is at work.
    async fn shown(&self, waits: bool) -> Checked<Vec<String>> {
        let until = Instant::now() + APPEARING;
        let (mut last, mut steady) = (None, None);
        while Instant::now() < until {
            // A page that is just being replaced cannot be asked.
            let new = self.page.lines(false).await.ok().map(|lines| self.new_lines(&lines));
            match &new {
                Some(new) if last.as_ref() == Some(new) && !(waits && new.is_empty()) => {
                    if !waits || self.is_told(new) {
                        return Ok(new.clone());
                    }
                    steady = Some(new.clone());
                }
                _ => (last, steady) = (new, None),
            }
            tokio::time::sleep(STEADY).await;
        }
        if let Some(steady) = steady {
            return Ok(steady);
        }
        let why = if last.is_some_and(|last| last.is_empty()) { "shows nothing new" } else { "keeps changing" };
        Err(self.problem(&format!("{why} after its request")).await)
    }
}

/// The problem of an answer that does not concern the action: who sent the request is not, or no longer, permitted to.
fn refused(reply: &Reply) -> Option<Problem> {
    if reply.is_login() {
        return reply.page(|_| false).err();
    }
    let is_refusal = reply.redirects_to_login() || matches!(reply.status, 401 | 403);
    is_refusal.then(|| reply.clone().expect_status(&[200]).err()).flatten()
}
