//! The progress of a run on a terminal: how many scenarios have ended, the elapsed time, the current step of each running
//! scenario, and the current request to each of the four agents, since these requests take the longest. Without a terminal
//! only the lines of ended scenarios are printed.

use std::collections::HashMap;
use std::fmt::Write;
use std::io::IsTerminal as _;
use std::time::Duration;

use bpconform_steps::author::agents;
use bpconform_steps::under_way::UnderWay;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::report::view;

/// The longest part of a name or a sentence that is shown.
const WIDEST: usize = 100;

/// The live view of a run.
#[derive(Debug)]
pub struct Progress {
    all: MultiProgress,
    agents: ProgressBar,
    total: ProgressBar,
    running: HashMap<String, (String, ProgressBar)>,
}

impl Progress {
    /// The view on stderr; none if stderr is not a terminal.
    pub fn on_terminal() -> Option<Self> {
        let is_terminal = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        is_terminal.then(|| Self::on(ProgressDrawTarget::stderr()))
    }

    fn on(target: ProgressDrawTarget) -> Self {
        let all = MultiProgress::with_draw_target(target);
        let agents = all.add(ProgressBar::new_spinner());
        let total = all.add(ProgressBar::new(0));
        total.set_style(style("{wide_bar:.dim} {pos}/{len} scenarios  {elapsed} gone, {eta} to go{msg}"));
        Self { all, agents, total, running: HashMap::new() }
    }

    /// The plan is made: so many scenarios run, and these are the requests that are under way.
    pub fn planned(&mut self, scenarios: usize, requests: &UnderWay) {
        let requests = requests.clone();
        let agents = move |_: &ProgressState, text: &mut dyn Write| {
            let _ = text.write_str(&agents(&requests));
        };
        self.agents.set_style(style("agents  {agents:.dim}").with_key("agents", agents));
        self.agents.enable_steady_tick(Duration::from_millis(200));
        self.total.set_length(u64::try_from(scenarios).unwrap_or_default());
        self.total.enable_steady_tick(Duration::from_millis(200));
    }

    /// A scenario begins.
    pub fn begun(&mut self, id: &str, name: &str) {
        let line = self.all.insert_before(&self.agents, ProgressBar::new_spinner());
        line.set_style(style("{spinner} {wide_msg}"));
        line.set_message(view::shorten(name, WIDEST));
        line.enable_steady_tick(Duration::from_millis(200));
        self.running.insert(id.to_owned(), (view::shorten(name, WIDEST / 2), line));
    }

    /// A step begins.
    pub fn step(&mut self, id: &str, sentence: &str) {
        if let Some((name, line)) = self.running.get(id) {
            line.set_message(format!("{name}: {}", view::shorten(sentence, WIDEST)));
        }
    }

    /// A scenario has ended.
    pub fn ended(&mut self, id: &str, failed: usize) {
        if let Some((_, line)) = self.running.remove(id) {
            line.finish_and_clear();
            self.all.remove(&line);
            self.total.inc(1);
        }
        if failed > 0 {
            self.total.set_message(format!("  {failed} did not pass"));
        }
    }

    /// Makes room for what is written meanwhile.
    pub fn aside(&self, write: impl FnOnce()) {
        self.all.suspend(write);
    }

    /// The run is over: nothing of the view is left.
    pub fn finish(&mut self) {
        self.running.drain().for_each(|(_, (_, line))| line.finish_and_clear());
        self.agents.finish_and_clear();
        self.total.finish_and_clear();
        let _ = self.all.clear();
    }
}

/// The four agents side by side, each with what it is asked and since when.
fn agents(requests: &UnderWay) -> String {
    let all = requests.all();
    let agent = |index: u8| match all.iter().find(|request| view::agent(&request.url) == Some(index)) {
        Some(request) => {
            let surface = request.surface.rsplit('.').next().unwrap_or_default();
            format!("{index} {surface} {} s", request.since.elapsed().as_secs())
        }
        None => format!("{index} –"),
    };
    (0..).take(agents::COUNT).map(agent).collect::<Vec<_>>().join("   ")
}

/// A style of our own; a wrong one is the usual one.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use indicatif::{InMemoryTerm, TermLike as _};

    use super::*;

    /// Waits until the terminal shows what is wanted.
    fn wait_for(term: &InMemoryTerm, wanted: impl Fn(&str) -> bool) {
        let start = Instant::now();
        while !wanted(&term.contents()) {
            assert!(start.elapsed() < Duration::from_secs(20), "it still shows {:?}", term.contents());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_person_sees_the_step_of_each_scenario_and_how_far_the_run_is() {
        let term = InMemoryTerm::new(10, 120);
        let mut progress = Progress::on(ProgressDrawTarget::term_like_with_hz(Box::new(term.clone()), u8::MAX));
        let requests = UnderWay::default();
        let test = "http://localhost/etc/replication/agents.author/mp_replication_agent2_default_bpdoc.test.html";
        let _waits = requests.begin("author.agent-test", test);
        progress.planned(3, &requests);
        progress.begun("a/b", "All four are enabled");
        progress.begun("a/c", "The queue is idle");
        progress.step("a/b", "Given the four replication agents of the tenant");
        progress.ended("a/c", 1);
        // It is drawn from other threads, a line at a time.
        let wanted = [
            "All four are enabled: Given the four replication agents of the tenant",
            "1/3 scenarios",
            "1 did not pass",
            "agents  0 –   1 –   2 agent-test ",
            " s   3 –",
        ];
        wait_for(&term, |seen| wanted.iter().all(|text| seen.contains(text)) && !seen.contains("The queue is idle"));
        progress.finish();
        wait_for(&term, str::is_empty);
        assert_eq!(term.width(), 120);
    }
}
