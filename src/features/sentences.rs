//! The sentences of steps, and which step of the harness reads each.

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use bpconform_steps::World;
use bpconform_steps::world::SentenceForm;
use cucumber::codegen::{LazyRegex, StepConstructor, WorldInventory, inventory};
use cucumber::gherkin::{Feature, LineCol, Step, StepType};
use cucumber::step::{Collection, Location};
use regex::Regex;

use crate::error::FeatureError;
use crate::nearest::nearest;

/// A step of the harness, whose expression is compiled when it is used.
struct Registered {
    ty: StepType,
    place: Location,
    /// How its sentences start.
    start: &'static str,
    /// Whether that is all that they say.
    is_whole: bool,
    /// The expression as cucumber has it.
    expression: LazyRegex,
    /// Its form for sentences in ASCII; empty if it is not known.
    ascii: &'static str,
    /// The simpler expression, compiled: a search for the whole sentence, or the form for ASCII.
    simple: OnceLock<Regex>,
    function: cucumber::Step<World>,
}

impl Registered {
    fn may_read(&self, sentence: &Step) -> bool {
        let starts = sentence.value.starts_with(self.start);
        self.ty == sentence.ty && starts && (!self.is_whole || sentence.value == self.start)
    }

    /// An expression that reads the same of these sentences. A search takes a tenth of the time, to compile it and to match,
    /// and says the same unless the text is a part of another sentence. The form for ASCII takes a third of the time.
    fn expression(&self, sentences: &[&Step]) -> Regex {
        let is_part = |it: &&Step| it.ty == self.ty && it.value != self.start && it.value.contains(self.start);
        if self.is_whole && !sentences.iter().any(is_part) {
            let search = || Regex::new(&regex::escape(self.start)).expect("it is escaped");
            return self.simple.get_or_init(search).clone();
        }
        let is_in_ascii = |it: &&Step| !self.may_read(it) || it.value.is_ascii();
        if !self.ascii.is_empty() && sentences.iter().all(is_in_ascii) {
            return self.simple.get_or_init(|| Regex::new(self.ascii).expect("the build has parsed it")).clone();
        }
        (self.expression)()
    }
}

static REGISTERED: LazyLock<Vec<Registered>> = LazyLock::new(|| {
    let forms: HashMap<Location, &SentenceForm> =
        inventory::iter::<SentenceForm>.into_iter().map(|form| (form.place, form)).collect();
    let of = |ty, step: &dyn StepConstructor<World>| {
        let (place, expression, function) = step.inner();
        // Without a start it may read any sentence.
        let (start, is_whole, ascii) =
            forms.get(&place).map(|form| (form.text, form.is_whole, form.ascii)).unwrap_or_default();
        Registered { ty, place, start, is_whole, expression, ascii, simple: OnceLock::new(), function }
    };
    let given = inventory::iter::<<World as WorldInventory>::Given>.into_iter().map(|step| of(StepType::Given, step));
    let when = inventory::iter::<<World as WorldInventory>::When>.into_iter().map(|step| of(StepType::When, step));
    let then = inventory::iter::<<World as WorldInventory>::Then>.into_iter().map(|step| of(StepType::Then, step));
    given.chain(when).chain(then).collect()
});

/// The steps of the harness, reduced to those that may read these sentences.
pub(crate) fn steps<'a>(sentences: impl IntoIterator<Item = &'a Step>) -> Collection<World> {
    let sentences: Vec<&Step> = sentences.into_iter().collect();
    let needed = REGISTERED.iter().filter(|step| sentences.iter().any(|sentence| step.may_read(sentence)));
    needed.fold(Collection::new(), |steps, step| {
        let (place, expression) = (Some(step.place), step.expression(&sentences));
        match step.ty {
            StepType::Given => steps.given(place, expression, step.function),
            StepType::When => steps.when(place, expression, step.function),
            StepType::Then => steps.then(place, expression, step.function),
        }
    })
}

/// The steps of a feature, those of its backgrounds and rules, too.
pub(crate) fn sentences(feature: &Feature) -> impl Iterator<Item = &Step> {
    let backgrounds = feature.background.iter().chain(feature.rules.iter().flat_map(|rule| &rule.background));
    let scenarios = feature.scenarios.iter().chain(feature.rules.iter().flat_map(|rule| &rule.scenarios));
    backgrounds.flat_map(|background| &background.steps).chain(scenarios.flat_map(|scenario| &scenario.steps))
}

/// Gives each step the type under which the harness knows its sentence. In Gherkin the keyword does not
/// decide which step runs: a sentence after `*` or after an unusual keyword is the same step.
///
/// # Errors
///
/// The line of a sentence that no step reads, or that several do.
pub(super) fn resolve(file: &str, feature: &mut Feature) -> Result<(), FeatureError> {
    let (own, of_rules) = (&mut feature.background, &mut feature.rules);
    let backgrounds = own.iter_mut().chain(of_rules.iter_mut().flat_map(|rule| &mut rule.background));
    backgrounds.flat_map(|background| &mut background.steps).try_for_each(|step| find(file, step))?;
    let (own, of_rules) = (&mut feature.scenarios, &mut feature.rules);
    let scenarios = own.iter_mut().chain(of_rules.iter_mut().flat_map(|rule| &mut rule.scenarios));
    scenarios.flat_map(|scenario| &mut scenario.steps).try_for_each(|step| find(file, step))
}

fn find(file: &str, step: &mut Step) -> Result<(), FeatureError> {
    let wrong = |problem: String| FeatureError { file: file.to_owned(), line: step.position.line, problem };
    let own = step.ty;
    let types = [own, StepType::Given, StepType::When, StepType::Then];
    for ty in types {
        step.ty = ty;
        match steps([&*step]).find(step) {
            Ok(Some(_)) => return Ok(()),
            Ok(None) => {}
            Err(_) => return Err(wrong(format!("several steps read {:?}", step.value))),
        }
    }
    step.ty = own;
    let near = nearest(&step.value, built_in());
    let hint = near.map_or_else(
        || "; the sentences that can be used are those of the built-in features".to_owned(),
        |near| format!("; did you mean {near:?}?"),
    );
    Err(wrong(format!("no step reads {:?}{hint}", step.value)))
}

/// The sentences of the built-in features.
fn built_in() -> impl Iterator<Item = &'static str> {
    let lines = super::BUILT_IN.iter().flat_map(|(_, text, _)| text.lines());
    let keywords = ["Given ", "When ", "Then ", "And ", "But "];
    lines.filter_map(move |line| keywords.iter().find_map(|keyword| line.trim().strip_prefix(keyword)))
}

/// Whether a text is a sentence that a step reads, with or without a mistyped keyword before it.
pub(super) fn is_step(text: &str) -> bool {
    let text = text.trim_start_matches(|c: char| !c.is_alphanumeric());
    let behind = text.split_once(|c: char| c.is_whitespace() || c == ':').map(|(_, rest)| rest.trim());
    [Some(text), behind].into_iter().flatten().any(is_sentence)
}

fn is_sentence(text: &str) -> bool {
    [StepType::Given, StepType::When, StepType::Then].into_iter().any(|ty| {
        let step = Step {
            keyword: String::new(),
            ty,
            value: text.to_owned(),
            docstring: None,
            table: None,
            span: cucumber::gherkin::Span::default(),
            position: LineCol::default(),
        };
        !matches!(steps([&step]).find(&step), Ok(None))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_compiles_the_expressions_of_its_own_sentences_only() {
        let unknown = REGISTERED.iter().filter(|step| step.start.is_empty()).count();
        assert!(unknown < 10, "of {} steps, {unknown} may read any sentence", REGISTERED.len());
    }

    #[test]
    fn the_form_for_ascii_reads_the_same_of_every_sentence() {
        let quoted = [r#"a \"b\" c"#, "", "'"].map(|text| format!("each delivers to \"{text}\""));
        let sentences: Vec<String> = built_in().map(str::to_owned).chain(quoted).collect();
        let mut read = 0;
        for step in REGISTERED.iter().filter(|step| !step.ascii.is_empty()) {
            let (simple, usual) = (Regex::new(step.ascii).expect("it is valid"), (step.expression)());
            assert!(simple.capture_names().eq(usual.capture_names()), "{usual}");
            for sentence in sentences.iter().filter(|sentence| sentence.is_ascii()) {
                let found = |by: &Regex| {
                    by.captures(sentence)
                        .map(|found| found.iter().map(|it| it.map(|it| it.range())).collect::<Vec<_>>())
                };
                assert_eq!(found(&simple), found(&usual), "{usual}: {sentence}");
                assert!(found(&usual).is_none() || sentence.starts_with(step.start), "{usual}: {sentence}");
                read += usize::from(found(&usual).is_some());
            }
        }
        assert!(read >= 20, "only {read} sentences are read so");
    }
}
