//! The status of a queue on the page of its agent.

use super::queue::{self, Queue, State};
use crate::call::Call;
use crate::html;
use crate::problem::{Checked, ensure};
use crate::session::Session;

/// Fails unless the page of the agent says what the queue was just before or is just after: a queue that works changes
/// meanwhile.
pub async fn judge(session: &Session, before: &Queue) -> Checked {
    let call = Call::to("author.agent-page").with("agent", &before.agent);
    let reply = session.send(call).await?.expect_status(&[200])?;
    let after = queue::read(session, &before.agent).await?;
    let page = html::Page::read(&reply.page(|page| page.contains(&before.agent))?);
    let said = queue_states(&page);
    if said.is_empty() {
        // Neither a class nor the words of the English interface.
        return reply.page(|_| false).map(drop);
    }
    let agrees = |queue: &Queue| said.iter().all(|said| said.starts_with(word(queue.state())));
    ensure(agrees(before) || agrees(&after), || {
        let said = said.join(" and ");
        format!("the page of agent {} says that its queue is {said}, and the queue is {after}", before.agent)
    })
}

/// The word of an agent's page for a state of its queue (surfaces.md §4.1, §4.3).
fn word(state: State) -> &'static str {
    match state {
        State::Idle => "idle",
        State::Active => "active",
        State::Blocked => "blocked",
        State::Paused => "paused",
    }
}

/// What an agent's page says of its queue: by the class of the entry, which is the same in every language, and by the words
/// of the English interface.
fn queue_states(page: &html::Page) -> Vec<String> {
    let known = [State::Idle, State::Active, State::Blocked, State::Paused].map(word);
    let class = page.class_suffix("cq-agent-queue-").filter(|class| known.contains(class)).map(str::to_owned);
    let lines = page.lines();
    let words = lines.iter().find_map(|line| line.split_once("Queue is ").map(|(_, said)| said.trim().to_lowercase()));
    class.into_iter().chain(words).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_how_its_queue_is_in_any_language() {
        let said = |text: &str| queue_states(&html::Page::read(text));
        assert_eq!(
            said("<div>Agent is <b>enabled.</b></div><li>Queue is <b>active - 3 pending</b></li>"),
            ["active - 3 pending"]
        );
        assert_eq!(said("<li class='li-bullet cq-agent-queue-idle'>Warteschlange ist <b>inaktiv</b></li>"), ["idle"]);
        assert_eq!(said("<li class='cq-agent-queue-idle'>Queue is <b>blocked</b></li>"), ["idle", "blocked"]);
        assert!(said("<h1>Agent</h1>").is_empty());
    }
}
