//! Follows a run: prints its progress, and writes its record to the disk as it grows.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use bpconform_steps::plain::plain_line;
use bpconform_steps::under_way::UnderWay;

use crate::error::Error;
use crate::output::Output;
use crate::progress::Progress;
use crate::record::{Record, ScenarioRecord};
use crate::record_file::{self, RecordWriter};
use crate::report::junit;
use crate::report::terminal::{Detail, Terminal};
use crate::run::watch::RunListener;
use crate::verdict::Verdict;

/// Looks on while a run goes on; clones are the same observer.
#[derive(Clone, Debug)]
pub struct Observer(Rc<RefCell<ObserverState>>);

#[derive(Debug)]
struct ObserverState {
    output: Output,
    terminal: Terminal,
    directory: Option<PathBuf>,
    keeper: Option<RecordWriter>,
    progress: Option<Progress>,
    failed: usize,
    problem: Option<Error>,
}

impl Observer {
    /// An observer that prints through `terminal`, and writes the record to `directory` if it is set.
    pub fn new(output: Output, terminal: Terminal, directory: Option<&Path>) -> Self {
        let directory = directory.map(Path::to_owned);
        let progress = (terminal.detail > Detail::Quiet).then(Progress::on_terminal).flatten();
        let (keeper, failed, problem) = (None, 0, None);
        Self(Rc::new(RefCell::new(ObserverState { output, terminal, directory, keeper, progress, failed, problem })))
    }

    /// Ends with the whole record, and with what is shown of it as text. A record that could not be kept on the way is an error
    /// now: the run was not stopped for it.
    pub fn finish(&self, record: &Record, plain: &Record) -> Result<(), Error> {
        let mut state = self.0.borrow_mut();
        if let Some(progress) = &mut state.progress {
            progress.finish();
        }
        let Some(directory) = state.directory.clone() else { return Ok(()) };
        if let Some(keeper) = state.keeper.take() {
            keeper.finish(record)?;
        }
        junit::write(plain, &directory.join(record_file::JUNIT))?;
        state.problem.take().map_or(Ok(()), Err)
    }
}

impl RunListener for Observer {
    fn planned(&mut self, record: &Record, requests: &UnderWay) -> Result<(), Error> {
        let mut state = self.0.borrow_mut();
        let redactor = state.output.redactor.clone();
        // Before the run, so that a run of an hour is not lost to a directory that cannot be written.
        let directory = state.directory.clone();
        let begin = |directory: PathBuf| RecordWriter::begin(&directory, &record.clone().masked(&redactor));
        state.keeper = directory.map(begin).transpose()?;
        if let Some(progress) = &mut state.progress {
            progress.planned(record.plan.run, requests);
        }
        Ok(())
    }

    fn begun(&mut self, id: &str, name: &str) {
        if let Some(progress) = &mut self.0.borrow_mut().progress {
            progress.begun(id, name);
        }
    }

    fn step(&mut self, id: &str, sentence: &str) {
        let mut state = self.0.borrow_mut();
        let sentence = plain_line(&state.output.redactor.redact_learned(sentence));
        if let Some(progress) = &mut state.progress {
            progress.step(id, &sentence);
        }
    }

    fn ended(&mut self, scenario: &ScenarioRecord) {
        let mut state = self.0.borrow_mut();
        let redactor = state.output.redactor.clone();
        let kept = state.keeper.as_mut().map_or(Ok(()), |keeper| keeper.ended(&scenario.clone().masked(&redactor)));
        if let Err(problem) = kept {
            state.problem.get_or_insert(problem);
        }
        state.failed += usize::from(matches!(scenario.verdict, Verdict::Failed | Verdict::Error));
        let failed = state.failed;
        if let Some(progress) = &mut state.progress {
            progress.ended(&scenario.id, failed);
        }
    }

    fn ended_in_order(&mut self, scenario: &ScenarioRecord) {
        let mut state = self.0.borrow_mut();
        // What is taken over from an earlier run did not happen now.
        if state.terminal.is_silent_about(scenario) || scenario.run.is_some() {
            return;
        }
        // Only the lines that repeat a request need its body.
        let shows_requests = state.terminal.detail == Detail::Requests;
        let scenario = if shows_requests { scenario.clone() } else { scenario.without_bodies() }
            .masked(&state.output.redactor)
            .plain();
        let text = state.terminal.scenario(&scenario);
        match &state.progress {
            Some(progress) => progress.aside(|| state.output.print_for_people(&text)),
            None => state.output.print_for_people(&text),
        }
    }
}
