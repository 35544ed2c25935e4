//! Actions whose requests are unknown, done through the pages of the Author in a browser. The result is judged as after any
//! other request, by what the Author has stored.

use std::time::Duration;

use bpconform_fixtures::surfaces::{Arguments, Class, Evidence, expand};
use bpconform_fixtures::ui::{Label, UiAction, UiResult, UiStep};
use bpconform_fixtures::{Cause, Surface, System};
use tokio::time::Instant;

use super::Session;
use super::gate::Gate;
use crate::browser::elements::{self, CHOOSABLE, Element, PRESSABLE, TYPABLE};
use crate::browser::page::{Handle, Page};
use crate::call::Call;
use crate::problem::{Checked, Problem};
use crate::reply::Reply;
use crate::run::Browsing;

/// How long a control is waited for; AEM opens some dialogs seconds later.
const APPEARING: Duration = Duration::from_secs(12);

/// How long a dialog may take to open after a request that asks.
const NEXT_DIALOG: Duration = Duration::from_secs(1);

/// How long a page may take until it asks for nothing more.
const SETTLING: Duration = Duration::from_secs(20);

/// How long an action may take as a whole, besides its request.
const ACTION: Duration = Duration::from_secs(90);

/// How often the page is looked at while something is waited for.
const PAUSE: Duration = Duration::from_millis(60);

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
        let gate = Gate::new(self, surface, about, values);
        let labels = &browsing.interface.labels;
        let walk = Walk { session: self, surface, action, call, gate: &gate, page: &page, labels, item: None };
        let limit = ACTION + self.run.wire.limits.request;
        let outcome = tokio::select! {
            outcome = tokio::time::timeout(limit, walk.whole()) => outcome.unwrap_or_else(|_| {
                Err(Problem::error(format!("the steps were not done within {} s", limit.as_secs())))
            }),
            ended = gate.serve(browser, &page) => Err(ended),
        };
        page.close().await;
        outcome.map_err(|problem| problem.about(format!("in the browser, {}", action.step)))
    }
}

/// The value of that name that a request would send, or by which a person knows what it is about.
fn value<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
    let all = call.words.iter().chain(&call.shown).chain(&call.fields);
    let found = all.filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).next();
    found.or_else(|| call.arguments.get(name).map(String::as_str)).filter(|value| !value.is_empty())
}

/// The steps of an action, under way.
struct Walk<'a> {
    session: &'a Session,
    surface: &'a Surface,
    action: &'a UiAction,
    call: &'a Call,
    gate: &'a Gate<'a>,
    page: &'a Page<'a>,
    labels: &'a std::collections::BTreeMap<String, Label>,
    item: Option<Handle>,
}

impl Walk<'_> {
    async fn whole(mut self) -> Checked<Reply> {
        for step in &self.action.steps {
            if self.is_done() {
                break;
            }
            let done = self.step(step).await;
            // A page that sends its request at once is no longer there for the next step.
            if let Err(problem) = done
                && !self.gate.has_sent()
            {
                return Err(problem);
            }
        }
        let reply = self.reply().await?;
        self.settle().await?;
        // What asked in several steps has its answer by the last one.
        let reply = self.gate.take_reply().unwrap_or(Ok(reply))?;
        self.answer(reply).await
    }

    /// Whether the request was sent, so that the further steps are no longer there. A change is sent once; what asks may
    /// have opened the dialog of the next step.
    fn is_done(&self) -> bool {
        self.gate.has_sent_for(if self.surface.class == Class::Change { Duration::ZERO } else { NEXT_DIALOG })
    }

    async fn step(&mut self, step: &UiStep) -> Checked {
        match step {
            UiStep::Open { page } => self.open(page).await,
            UiStep::Reach { labels } => self.reach(labels).await,
            UiStep::Select { item } => self.select(item).await,
            UiStep::Press { labels, unless, sends } => {
                if let Some(unless) = unless
                    && self.is_there(unless).await?
                {
                    return Ok(());
                }
                if *sends {
                    self.let_through()?;
                }
                self.press(labels).await
            }
            UiStep::Fill { label, with } => self.fill(label, with).await,
            UiStep::Choose { label, with } => self.choose(label, with).await,
        }
    }

    /// Writes a change to the journal, with what undoes it, and only then lets its request through.
    fn let_through(&self) -> Checked {
        let session = self.session;
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
        if let Some((parent, _)) = value(self.call, "path").and_then(|path| path.rsplit_once('/')) {
            placeholders.insert("folder".to_owned(), parent.to_owned());
        }
        let path = expand(path, &placeholders)
            .map_err(|missing| Problem::error(format!("the steps need the value {{{missing}}}")))?;
        let mut url = self.session.stack.author.clone();
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        self.page.open(url.as_str()).await?;
        self.settle().await?;
        match self.gate.document() {
            Some(status @ 400..) => Err(Problem::error(format!("{url} answered {status}"))),
            _ => Ok(()),
        }
    }

    /// Waits until the page is complete; an error if it is a login page.
    async fn settle(&self) -> Checked {
        let until = Instant::now() + SETTLING;
        while Instant::now() < until {
            tokio::time::sleep(PAUSE).await;
            // A page that is just being replaced cannot be asked.
            if self.gate.is_quiet() && self.page.is_loaded().await.unwrap_or(false) {
                break;
            }
        }
        let (address, _) = self.page.place().await?;
        let login = &self.session.surface("author.login-page").path;
        if address.contains(login.as_str()) {
            let problem = Problem::error(format!("the Author shows its login page at {}", self.clean(&address)));
            return Err(problem.because(Cause::LoginInstead));
        }
        Ok(())
    }

    fn clean(&self, text: &str) -> String {
        crate::plain::plain_line(&self.session.run.redactor.redact_foreign(text))
    }

    fn labels(&self, names: &[String]) -> Vec<&Label> {
        names.iter().filter_map(|name| self.labels.get(name)).collect()
    }

    async fn is_there(&self, label: &str) -> Checked<bool> {
        let labels = self.labels(std::slice::from_ref(&label.to_owned()));
        let all = self.page.elements(None).await?;
        let roles = [&PRESSABLE[..], &TYPABLE[..], &CHOOSABLE[..]].concat();
        Ok(!elements::with_label(&all, &roles, &labels).is_empty())
    }

    /// The one enabled control with one of these labels, waited for.
    async fn control(&self, roles: &[&str], names: &[String], patience: Duration) -> Checked<Option<Element>> {
        let labels = self.labels(names);
        let until = Instant::now() + patience;
        loop {
            // A page that is just being replaced cannot be asked.
            let all = self.page.elements(self.item.as_ref()).await.unwrap_or_default();
            let found = elements::with_label(&all, roles, &labels);
            if let [one] = found[..]
                && !one.disabled
            {
                return Ok(Some(one.clone()));
            }
            if self.is_done() {
                return Ok(None);
            }
            if Instant::now() >= until {
                return Err(self.missing(roles, names, &found, &all).await);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Why a control cannot be used: where, which one, and what there is instead.
    async fn missing(&self, roles: &[&str], names: &[String], found: &[&Element], all: &[Element]) -> Problem {
        let (address, title) = self.page.place().await.unwrap_or_default();
        let texts: Vec<_> =
            self.labels(names).iter().filter_map(|label| label.en.first()).map(|it| format!("\"{it}\"")).collect();
        let wrong = match found {
            [] => "has no".to_owned(),
            [_] => "has only a disabled".to_owned(),
            many => format!("has {} of one name, not exactly one:", many.len()),
        };
        let instead = elements::listed(all, roles);
        let dialog = all.iter().find(|it| it.role.ends_with("dialog"));
        let dialog = dialog.map_or_else(String::new, |it| format!("; a dialog \"{}\" is open", it.name.trim()));
        Problem::error(self.clean(&format!(
            "the page \"{title}\" at {address} {wrong} {} {}; there is {instead}{dialog}{}",
            roles.first().unwrap_or(&"control"),
            texts.join(" or "),
            self.what_was_blocked()
        )))
    }

    fn what_was_blocked(&self) -> String {
        let blocked = self.gate.blocked();
        if blocked.is_empty() { String::new() } else { format!("; blocked: {}", blocked.join(", ")) }
    }

    async fn press(&self, names: &[String]) -> Checked {
        let until = Instant::now() + APPEARING;
        loop {
            let Some(control) = self.control(&PRESSABLE, names, APPEARING).await? else { return Ok(()) };
            let Err(cover) = self.page.click(&control).await? else { break };
            if Instant::now() >= until {
                let (address, title) = self.page.place().await.unwrap_or_default();
                return Err(Problem::error(self.clean(&format!(
                    "the page \"{title}\" at {address}: the {} \"{}\" is covered by {cover}",
                    control.role,
                    control.name.trim()
                ))));
            }
            tokio::time::sleep(PAUSE).await;
        }
        if self.gate.is_open() { Ok(()) } else { self.settle().await }
    }

    /// Presses the last of these labels that is there, until it was the last one.
    async fn reach(&self, names: &[String]) -> Checked {
        let until = Instant::now() + APPEARING;
        let mut reached = 0;
        while reached < names.len() {
            let all = self.page.elements(None).await.unwrap_or_default();
            let ahead = (reached..names.len()).rev().find(|index| {
                let label = self.labels(&names[*index..=*index]);
                matches!(elements::with_label(&all, &PRESSABLE, &label)[..], [one] if !one.disabled)
            });
            if let Some(index) = ahead {
                self.press(&names[index..=index]).await?;
                reached = index + 1;
            } else if Instant::now() >= until {
                return Err(self.missing(&PRESSABLE, &names[reached..], &[], &all).await);
            } else {
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    async fn select(&mut self, names: &[String]) -> Checked {
        let values: Vec<_> = names.iter().filter_map(|name| value(self.call, name)).map(str::to_owned).collect();
        let until = Instant::now() + APPEARING;
        loop {
            let count = match self.page.item(&values).await? {
                Ok(item) => {
                    self.item = Some(item);
                    return Ok(());
                }
                Err(count) => count,
            };
            if Instant::now() >= until {
                let (address, title) = self.page.place().await.unwrap_or_default();
                let wanted = values.join(" or ");
                return Err(Problem::error(self.clean(&format!(
                    "the page \"{title}\" at {address} shows {count} items of {wanted}, not exactly one"
                ))));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn fill(&self, label: &str, with: &str) -> Checked {
        let Some(value) = value(self.call, with) else { return Ok(()) };
        let Some(field) = self.control(&TYPABLE, &[label.to_owned()], APPEARING).await? else { return Ok(()) };
        self.page.fill(&field, value).await
    }

    async fn choose(&self, label: &str, with: &str) -> Checked {
        let Some(value) = value(self.call, with) else { return Ok(()) };
        let names = [label.to_owned()];
        let Some(list) = self.control(&CHOOSABLE, &names, APPEARING).await? else { return Ok(()) };
        let Err(offered) = self.page.choose(&list, value).await? else { return Ok(()) };
        let (address, title) = self.page.place().await.unwrap_or_default();
        Err(Problem::error(self.clean(&format!(
            "the page \"{title}\" at {address}: the list \"{}\" has no {value}; it offers {offered}",
            list.name.trim()
        ))))
    }

    /// What came back for the request of the page.
    async fn reply(&self) -> Checked<Reply> {
        let until = Instant::now() + APPEARING + self.session.run.wire.limits.request;
        let begins_until = Instant::now() + APPEARING;
        loop {
            if let Some(reply) = self.gate.take_reply() {
                return reply;
            }
            let now = Instant::now();
            if now >= until || (now >= begins_until && !self.gate.has_sent()) {
                let (address, title) = self.page.place().await.unwrap_or_default();
                let seen = self.page.seen().await.unwrap_or_default();
                let seen: String = self.clean(&seen).chars().take(200).collect();
                return Err(Problem::error(self.clean(&format!(
                    "the page \"{title}\" at {address} sent no request that names {}{}; it shows: {seen}",
                    self.action.about.join(" or "),
                    self.what_was_blocked()
                ))));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The reply as the reader of the endpoint expects it: of a form that leads to another page, with the status of that
    /// page; where a person reads what has become of it, with what the page shows.
    async fn answer(&self, reply: Reply) -> Checked<Reply> {
        let mut reply = reply;
        if (300..400).contains(&reply.status) && !reply.redirects_to_login() {
            reply.status = self.gate.document().filter(|status| !(300..400).contains(status)).unwrap_or(reply.status);
        }
        if self.action.result == UiResult::Page && (200..300).contains(&reply.status) {
            let seen = self.page.seen().await?;
            let lines: Vec<_> = seen.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            let lines: String =
                lines.iter().map(|line| format!("<p>{}</p>\n", html_escape::encode_text(line))).collect();
            reply.body = format!("<!doctype html>\n<html><body>\n{lines}</body></html>\n").into_bytes();
        }
        Ok(reply)
    }
}
