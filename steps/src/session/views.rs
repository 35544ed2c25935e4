//! The pages of an action as evidence: how each step left its page, and what an error looked like.

use std::time::SystemTime;

use bpconform_fixtures::ui::UiStep;

use super::walk::Walk;
use crate::evidence::{PageView, Text};
use crate::problem::{Checked, Problem};
use crate::sending::since_1970;

/// How much of an error of a page is kept, in characters.
const LONGEST: usize = 500;

impl Walk<'_> {
    /// What a step does, for a person.
    pub(super) fn words_of(&self, step: &UiStep) -> String {
        let quoted = |names: &[String]| {
            let known = names.iter().filter_map(|name| self.labels.get(name)?.en.first());
            known.map(|label| format!("\"{label}\"")).collect::<Vec<_>>().join(" or ")
        };
        match step {
            UiStep::Open { page } if page.starts_with('/') => format!("open {page}"),
            UiStep::Open { page } => format!("open {}", self.session.surface(page).path),
            UiStep::Reach { labels } => format!("reach {}", quoted(labels)),
            UiStep::Select { item, .. } => {
                let values = item.iter().filter_map(|name| self.value(name)).collect::<Vec<_>>().join(" or ");
                format!("select {}", self.clean(&values))
            }
            UiStep::Press { labels, .. } => format!("press {}", quoted(labels)),
            UiStep::Tick { label, .. } => format!("tick {}", quoted(std::slice::from_ref(label))),
            UiStep::Fill { label, .. } => format!("fill {}", quoted(std::slice::from_ref(label))),
            UiStep::Choose { label, .. } => format!("choose {}", quoted(std::slice::from_ref(label))),
        }
    }

    /// Keeps the page as it is now. An error means that the page is no longer what the steps left.
    pub(super) async fn look(&mut self) -> Checked<Option<PageView>> {
        let session = self.session;
        let Some(browsing) = session.run.browsing.as_ref().filter(|browsing| browsing.files.are_kept()) else {
            return Ok(None);
        };
        let (url, title) = self.page.place().await.unwrap_or_default();
        let redactor = &session.run.redactor;
        let capture = self.page.capture(redactor).await?;
        let kept = capture.picture.and_then(|bytes| browsing.files.keep(bytes, &capture.texts));
        let view = PageView {
            at_us: i64::try_from(since_1970(SystemTime::now())).unwrap_or(i64::MAX),
            surface: self.surface.id.clone(),
            step: if self.done.is_empty() { self.doing.clone() } else { self.done.join(", ") },
            url: self.clean(&url),
            title: self.clean(&title),
            picture: kept.as_ref().ok().cloned(),
            no_picture: kept.err().map(|why| self.clean(&why)),
            tree: Text::keep_tree(&capture.tree, redactor),
            console: self.gate.take_console().iter().map(|line| shortened(self.clean(line))).collect(),
        };
        self.done.clear();
        let mut views = super::lock(&session.views);
        // Some steps leave the page as it was.
        let is_new = views.last().is_none_or(|last| {
            (&last.picture, &last.tree, &last.url, &last.surface)
                != (&view.picture, &view.tree, &view.url, &view.surface)
                || last.no_picture.is_some()
                || !view.console.is_empty()
        });
        match views.last_mut() {
            Some(last) if !is_new => last.step += &format!(", {}", view.step),
            _ => views.push(view.clone()),
        }
        Ok(Some(view))
    }

    /// A problem with what is needed to understand it: the page, the step, and the picture of the page.
    pub(super) async fn pictured(&mut self, problem: Problem) -> Problem {
        if !self.doing.is_empty() && self.done.last() != Some(&self.doing) {
            self.done.push(format!("{} (not done)", self.doing));
        }
        let looked = match self.look().await {
            Ok(looked) => looked,
            Err(unlike) => return Problem { reason: format!("{}; {}", problem.reason, unlike.reason), ..problem },
        };
        let mut reason = problem.reason.clone();
        if !self.doing.is_empty() && !self.names_a_label(&reason) {
            reason += &format!("; the step was: {}", self.doing);
        }
        let picture = match &looked {
            None => "no screenshot: pictures are kept with --out DIR only".to_owned(),
            Some(PageView { picture: Some(file), .. }) => format!("screenshot: {file}"),
            Some(view) => format!("no screenshot: {}", view.no_picture.as_deref().unwrap_or("there is none")),
        };
        if let Some(view) = looked.filter(|_| !reason.contains("the page \"")) {
            reason += &format!("; the page was \"{}\" at {}", view.title, view.url);
        }
        Problem { reason: format!("{reason}; {picture}"), ..problem }
    }

    /// Whether a reason already names a label of the step.
    fn names_a_label(&self, reason: &str) -> bool {
        let labels = self.doing.split('"').skip(1).step_by(2);
        labels.into_iter().any(|label| reason.contains(&format!("\"{label}\"")))
    }
}

/// A masked line, cut if it is long.
fn shortened(line: String) -> String {
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
