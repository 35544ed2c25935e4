//! Actions whose requests are unknown, done through the pages of the Author in a browser. The result is judged as after any
//! other request, by what the Author has stored.

use std::time::Duration;

use bpconform_fixtures::surfaces::{Arguments, Class, Evidence, expand};
use bpconform_fixtures::ui::UiStep;
use bpconform_fixtures::{Surface, System};
use tokio::time::Instant;

use super::Session;
use super::gate::Gate;
use super::own_request::Own;
use super::shown;
use super::walk::{PAUSE, Walk, value};
use crate::browser::elements::TICKABLE;
use crate::call::Call;
use crate::problem::{Checked, Problem};
use crate::reply::Reply;
use crate::run::Browsing;

/// How long a page may take until it asks for nothing more.
const SETTLING: Duration = Duration::from_secs(20);

/// How long an action may take as a whole, besides its request.
const ACTION: Duration = Duration::from_secs(90);

impl Session {
    /// Whether the request of that endpoint is made by a page in a browser: no endpoint is known, or the run does all in
    /// its browser, and the steps are documented.
    pub fn is_browsed(&self, id: &str) -> bool {
        self.steps_for(self.surface(id)).is_some()
    }

    /// Whether a request to that endpoint can be sent, or made by a page.
    pub(crate) fn can_send(&self, id: &str) -> bool {
        let surface = self.surface(id);
        surface.evidence != Evidence::Unknown || self.run.is_mock(surface.system) || self.is_browsed(id)
    }

    pub(super) fn steps_for(&self, surface: &Surface) -> Option<&Browsing> {
        let browsing = self.run.browsing.as_ref()?;
        let is_unknown = surface.evidence == Evidence::Unknown && !self.run.is_mock(surface.system);
        let wanted = surface.system == System::Author && (is_unknown || browsing.everything);
        (wanted && browsing.interface.knows(&surface.id)).then_some(browsing)
    }

    /// Carries out the steps, and returns what came back for the request of the page, or what the page shows then.
    pub(super) async fn browse(&self, browsing: &Browsing, call: &Call) -> Checked<Reply> {
        let surface = self.surface(&call.surface);
        let path = value(call, "path").unwrap_or_default();
        let action = browsing
            .interface
            .action(&surface.id, path)
            .ok_or_else(|| Problem::skipped(format!("the steps of {} are not documented for {path}", surface.id)))?;
        let turn = browsing.browser.turn().await?;
        let browser = turn.browser()?;
        let page = browser.page().await?;
        let about = action.about.iter().filter_map(|name| value(call, name)).map(str::to_owned).collect();
        let mut values = call.words.clone();
        values.extend(call.arguments.iter().map(|(name, value)| (name.clone(), value.clone())));
        let gate = Gate::new(self, Own { surface, about, commands: &action.commands }, values);
        let labels = &browsing.interface.labels;
        let mut walk = Walk {
            session: self,
            surface,
            action,
            call,
            gate: &gate,
            page: &page,
            labels,
            overlays: &browsing.interface.overlays,
            item: None,
            doing: String::new(),
            done: Vec::new(),
            before: Default::default(),
        };
        let limit = ACTION + self.run.wire.limits.request;
        let outcome = tokio::select! {
            outcome = walk.within(limit) => outcome,
            ended = gate.serve(browser, &page) => Err(ended),
        };
        page.close().await;
        outcome.map_err(|problem| problem.about(format!("in the browser, {}", action.step)))
    }
}

/// Whether a step only prepares the next one.
const fn is_part_of_a_form(step: &UiStep) -> bool {
    matches!(step, UiStep::Select { .. } | UiStep::Tick { .. } | UiStep::Fill { .. } | UiStep::Choose { .. })
}

impl Walk<'_> {
    /// All steps, in that time. A problem is returned with the picture of its page.
    async fn within(&mut self, limit: Duration) -> Checked<Reply> {
        let outcome = tokio::time::timeout(limit, self.whole())
            .await
            .unwrap_or_else(|_| Err(Problem::error(format!("the steps were not done within {} s", limit.as_secs()))));
        match outcome {
            Ok(reply) => self.look().await.map(|_| reply),
            Err(problem) => Err(self.pictured(problem).await),
        }
    }

    async fn whole(&mut self) -> Checked<Reply> {
        let action = self.action;
        for (index, step) in action.steps.iter().enumerate() {
            if self.is_done() {
                break;
            }
            self.doing = self.words_of(step);
            let mut done = self.step(step).await;
            // A form is looked at when it is complete. Once the request may be sent, the page may change at any time: then it
            // is looked at in the end.
            let goes_on = is_part_of_a_form(step) && action.steps.get(index + 1).is_some_and(is_part_of_a_form);
            if done.is_ok() && !goes_on && !self.gate.is_open() {
                done = self.look().await.map(drop);
            }
            // A page that sends its request at once is no longer there for the next step.
            if let Err(problem) = done
                && !self.gate.has_sent()
            {
                return Err(problem);
            }
        }
        let answered = self.answered().await?;
        self.settle().await?;
        // A page may ask the Author first whether it may send its request.
        self.is_unambiguous()?;
        // What asked in several steps has its answer by the last one.
        let reply = self.answer(self.gate.take_reply().unwrap_or(answered)).await?;
        self.is_unambiguous()?;
        Ok(reply)
    }

    /// An error if the page sent another request that may be the action's own.
    fn is_unambiguous(&self) -> Checked {
        self.gate.is_unambiguous().map_err(|problem| Problem { reason: self.clean(&problem.reason), ..problem })
    }

    async fn step(&mut self, step: &UiStep) -> Checked {
        match step {
            UiStep::Open { page } => self.open(page).await?,
            UiStep::Reach { labels } => self.reach(labels).await?,
            UiStep::Select { item, unless } => {
                if let Some(unless) = unless
                    && self.is_there_once(unless).await?
                {
                    return Ok(());
                }
                self.select(item).await?;
            }
            UiStep::Tick { label, unless } => {
                if let Some(unless) = unless
                    && self.is_there(unless).await?
                {
                    return Ok(());
                }
                self.press_one_of(&TICKABLE, std::slice::from_ref(label), false).await?;
            }
            UiStep::Press { labels, unless, sends } => {
                if let Some(unless) = unless
                    && self.is_there(unless).await?
                {
                    return Ok(());
                }
                self.press(labels, *sends).await?;
            }
            // A field without a value is left as it is.
            UiStep::Fill { with, .. } | UiStep::Choose { with, .. } if self.value(with).is_none() => return Ok(()),
            UiStep::Fill { label, with } => self.fill(label, with).await?,
            UiStep::Choose { label, with } => self.choose(label, with).await?,
        }
        self.done.push(self.doing.clone());
        Ok(())
    }

    /// Writes a change to the journal, with what undoes it, and only then lets its request through.
    pub(super) async fn let_through(&mut self) -> Checked {
        let session = self.session;
        // What a dialog shows before its button is pressed is not the result either.
        self.before = self.page.lines(true).await?.map(|text| shown::lines(&text));
        self.gate.forget_dialogs();
        self.gate.begin_step();
        if self.gate.is_open() {
            return Ok(());
        }
        let number = if self.surface.class != Class::Change || session.undoing || session.run.embedded {
            None
        } else {
            let what = format!("{} in the browser", self.surface.id);
            Some(session.write_down(&what, self.call.undo.clone().unwrap_or_default())?)
        };
        self.gate.open(number);
        Ok(())
    }

    async fn open(&self, page: &str) -> Checked {
        let path = if page.starts_with('/') { page } else { &self.session.surface(page).path };
        let mut placeholders: Arguments = self.call.words.iter().chain(&self.call.shown).cloned().collect();
        // A console shows what a folder holds.
        if let Some((parent, _)) = self.value("path").and_then(|path| path.rsplit_once('/')) {
            placeholders.insert("folder".to_owned(), parent.to_owned());
        }
        let path = expand(path, &placeholders)
            .map_err(|missing| Problem::error(format!("the steps need the value {{{missing}}}")))?;
        let mut url = self.session.stack.author.clone();
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        let opened = self.page.open(url.as_str()).await;
        // The browser reports only that there is no answer; the run knows why.
        opened.map_err(|problem| self.gate.take_lost().unwrap_or(problem))?;
        self.settle().await?;
        match self.gate.document() {
            Some(status @ 400..) => Err(Problem::error(format!("{url} answered {status}"))),
            _ => Ok(()),
        }
    }

    /// Waits until the page is complete; an error if it is a login page.
    pub(super) async fn settle(&self) -> Checked {
        let until = Instant::now() + SETTLING;
        while Instant::now() < until {
            tokio::time::sleep(PAUSE).await;
            // A page that is just being replaced cannot be asked.
            if self.gate.is_quiet() && self.page.is_loaded().await.unwrap_or(false) {
                break;
            }
        }
        let (address, _) = self.page.place().await?;
        self.login_at(&address).map_or(Ok(()), Err)
    }
}
