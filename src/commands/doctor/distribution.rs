//! The distribution agent of AEM as a Cloud Service: whether it is there, its queues, its log.

use bpconform_steps::Problem;
use bpconform_steps::author::distribution::{self, Queue};
use bpconform_steps::author::distribution_verdicts;
use bpconform_steps::session::Session;

use super::Finding;

/// Looks at the agent.
pub(super) async fn look(session: &Session) -> Vec<Finding> {
    let agent = match agent(session).await {
        Ok(()) => Finding::ok("distribution agent", "BP-CS-01", format!("{} is enabled", distribution::agent(session))),
        Err(problem) => return vec![Finding::of("distribution agent", "BP-CS-01", &problem)],
    };
    let (queues, log) = futures::join!(queues(session), log(session));
    vec![agent, queues, log]
}

async fn agent(session: &Session) -> Result<(), Problem> {
    distribution::judge_names(session, &distribution::names(session, false).await?).await?;
    distribution::judge_enabled(session).await
}

async fn queues(session: &Session) -> Finding {
    let topic = "queues";
    let queues = match distribution::queues(session).await {
        Ok(queues) => queues,
        Err(problem) => return Finding::of(topic, "BP-CS-02", &problem),
    };
    match queues.iter().map(Queue::judge).find_map(Result::err) {
        Some(problem) => Finding::of(topic, "BP-CS-02", &problem),
        None => Finding::ok(topic, "BP-CS-02", format!("all {} are idle and empty", queues.len())),
    }
}

async fn log(session: &Session) -> Finding {
    let topic = "agent's log";
    match distribution::log(session, false).await.and_then(|log| distribution_verdicts::judge_log(session, &log)) {
        Ok(()) => Finding::ok(topic, "BP-CS-04", "no failure follows the last delivery"),
        Err(problem) => Finding::of(topic, "BP-CS-04", &problem),
    }
}
