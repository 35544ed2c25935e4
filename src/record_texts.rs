//! The texts of a record that come from outside. Every operation on all of these texts, such as masking, finds them here.
//! It never changes the structure of a record, so that no text can break it.

use std::borrow::Cow;
use std::sync::LazyLock;

use bpconform_steps::evidence::{Exchange, Outcome, PageView, RequestForm, SentField, Text};
use bpconform_steps::plain::plain;
use bpconform_steps::redact::{MASK, Redactor};
use regex::Regex;
use url::Url;

use crate::record::{
    Attempt, CauseRecord, PlanRecord, Record, RequirementRecord, ScenarioRecord, StepRecord, Surroundings, TargetRecord,
};

/// The client id of a request for a token, ids of organizations and technical accounts, and names that a run gave: public
/// values, which other systems keep under names like "API key" and "claims".
static PUBLIC: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:\bclient(?:[_.]i|I)d(?:=|\\*":\s*\\*")([^&\s\["\\]+)|([0-9A-F]{20,24}(?:\+\w+)?@(?:AdobeOrg|techacct\.adobe\.com))|(bpconform-[0-9a-z]{7}-[\w-]+))"#)
        .unwrap_or_else(|error| unreachable!("{error}"))
});

/// What a text of a record is.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// A sentence of the program's own, which may quote the target.
    Sentence,
    /// A text of the feature files.
    Feature,
    /// A text of the target, such as a line of its log.
    Target,
    /// The value of a header, by its name.
    Header(&'a str),
    /// What is kept of a body, and whether it was cut.
    Body(bool),
    /// The accessibility tree of a page, and whether it was cut.
    Tree(bool),
}

/// Whose texts are changed.
type Change<'c> = &'c mut dyn FnMut(Place<'_>, &mut String);

/// Why a picture is not shown although it was taken.
const WITHHELD: &str = "it would have shown a secret that was learned later";

impl Record {
    /// The record with every secret masked that was learned by now. Texts of the target were masked when they arrived.
    #[must_use]
    pub fn masked(mut self, redactor: &Redactor) -> Self {
        self.each_text(&mut |place, text| mask(redactor, place, text, false));
        self
    }

    /// The record with every secret masked that was learned by now, and without the pictures of pages that show one of them:
    /// when those were taken, it was not known yet.
    #[must_use]
    pub fn masked_with_pictures(self, redactor: &Redactor) -> Self {
        let before = self.trees();
        let mut record = self.masked(redactor);
        let files = record.files.clone();
        // Of a page, the record may hold only the beginning; its files know all of it. Pages of an earlier run, whose scenarios
        // were taken over, are known by their trees only.
        let mut withheld = files.revealing(redactor);
        withheld.extend(record.revealing_since(&before));
        record.withhold(&withheld);
        withheld.iter().for_each(|picture| files.remove(picture));
        record
    }

    /// The accessibility trees of its pages.
    fn trees(&self) -> Vec<String> {
        self.scenarios.iter().flat_map(ScenarioRecord::all_pages).map(|page| page.tree.text.clone()).collect()
    }

    /// The pictures of pages whose trees were masked since then.
    fn revealing_since(&self, before: &[String]) -> Vec<String> {
        let pages = self.scenarios.iter().flat_map(ScenarioRecord::all_pages).zip(before);
        pages.filter(|(page, before)| page.tree.text != **before).filter_map(|(page, _)| page.picture.clone()).collect()
    }

    /// Takes these pictures out of it, and out of the reasons that name them. One picture may be that of several pages.
    fn withhold(&mut self, pictures: &[String]) {
        for picture in pictures {
            let named = format!("screenshot: {picture}");
            self.each_text(&mut |place, text| {
                if matches!(place, Place::Sentence) && text.contains(&named) {
                    *text = text.replace(&named, &format!("no screenshot: {WITHHELD}"));
                }
            });
        }
        for page in self.pages_mut() {
            if page.picture.as_ref().is_some_and(|picture| pictures.contains(picture)) {
                page.picture = None;
                page.no_picture = Some(WITHHELD.to_owned());
            }
        }
    }

    /// The pages of the browser, in the order of the scenarios.
    fn pages_mut(&mut self) -> impl Iterator<Item = &mut PageView> {
        self.scenarios.iter_mut().flat_map(pages_of)
    }

    /// The masked record of another version of bpconform: texts of the target are searched for secrets again.
    #[must_use]
    pub fn masked_anew(mut self, redactor: &Redactor) -> Self {
        // A run knows its own client id and organization; a later reader of its record must find them in it.
        self.each_text(&mut |_, text| {
            let values = PUBLIC.captures_iter(text).filter_map(|found| found.iter().skip(1).flatten().next());
            values.for_each(|value| redactor.keep_readable(value.as_str()));
        });
        let before = self.trees();
        // Twice: what is found late may stand in an earlier place in another form.
        for _ in 0..2 {
            self.each_text(&mut |place, text| mask(redactor, place, text, true));
        }
        let withheld = self.revealing_since(&before);
        self.withhold(&withheld);
        self
    }

    /// The record for a reader who sees no exchange.
    #[must_use]
    pub fn without_exchanges(mut self) -> Self {
        for scenario in &mut self.scenarios {
            scenario.exchanges.clear();
            scenario.pages.clear();
            for step in &mut scenario.steps {
                step.exchanges.clear();
                step.pages.clear();
            }
        }
        self
    }

    /// The record for a report that is shown as text: nothing in it steers a terminal or a CI system.
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.each_text(&mut |_, text| neutralise(text));
        self
    }

    fn each_text(&mut self, change: Change<'_>) {
        let Self { target, plan, environment, scenarios, requirements, causes, left_behind, journal, .. } = self;
        let TargetRecord { image, addresses, product, judged_as, .. } = target;
        let PlanRecord { tags, name, .. } = plan;
        let Surroundings { name: environment, ci, .. } = environment;
        let own = left_behind.iter_mut().chain(journal).chain(image).chain(tags).chain(name).chain(environment);
        own.chain(ci.values_mut()).for_each(|text| change(Place::Sentence, text));
        product.iter_mut().for_each(|text| change(Place::Target, text));
        let signs = judged_as.iter_mut().flat_map(|judged| &mut judged.decided_by);
        signs.for_each(|text| change(Place::Target, text));
        for address in addresses.values_mut() {
            let mut text = address.to_string();
            change(Place::Sentence, &mut text);
            if text != address.as_str() {
                *address = valid(&text);
            }
        }
        for CauseRecord { title, evidence, lines, .. } in causes {
            change(Place::Sentence, title);
            evidence.iter_mut().for_each(|text| change(Place::Sentence, text));
            lines.iter_mut().for_each(|text| change(Place::Target, text));
        }
        for RequirementRecord { reason, .. } in requirements {
            reason.iter_mut().for_each(|text| change(Place::Sentence, text));
        }
        scenarios.iter_mut().for_each(|scenario| scenario.each_text(change));
    }
}

impl ScenarioRecord {
    /// A copy for a reader of lines: no headers, and nothing of the bodies.
    #[must_use]
    pub fn without_bodies(&self) -> Self {
        let mut copy = self.clone();
        let pages = copy.steps.iter_mut().flat_map(|step| &mut step.pages).chain(&mut copy.pages);
        pages.for_each(|page| page.tree = Text::default());
        let of_steps = copy.steps.iter_mut().flat_map(|step| &mut step.exchanges);
        for Exchange { request_headers, request_body, outcome, .. } in of_steps.chain(&mut copy.exchanges) {
            request_headers.clear();
            *request_body = Text::default();
            if let Outcome::Response { headers, body, .. } = outcome {
                headers.clear();
                *body = Text::default();
            }
        }
        copy
    }

    /// The scenario with every secret masked that was learned by now.
    #[must_use]
    pub fn masked(mut self, redactor: &Redactor) -> Self {
        self.each_text(&mut |place, text| mask(redactor, place, text, false));
        self
    }

    /// The scenario for a terminal.
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.each_text(&mut |_, text| neutralise(text));
        self
    }

    fn each_text(&mut self, change: Change<'_>) {
        let Self { feature, file, name, tags, reason, lines, attempts, steps, exchanges, pages, left_behind, .. } =
            self;
        let of_feature = [feature, file, name].into_iter().chain(tags);
        of_feature.for_each(|text| change(Place::Feature, text));
        reason.iter_mut().chain(left_behind).for_each(|text| change(Place::Sentence, text));
        lines.iter_mut().for_each(|text| change(Place::Target, text));
        for Attempt { reason, .. } in attempts {
            reason.iter_mut().for_each(|text| change(Place::Sentence, text));
        }
        for StepRecord { text, table, doc_string, reason, lines, exchanges, pages, .. } in steps {
            let of_feature = std::iter::once(text).chain(table.iter_mut().flatten()).chain(doc_string);
            of_feature.for_each(|text| change(Place::Feature, text));
            reason.iter_mut().for_each(|text| change(Place::Sentence, text));
            lines.iter_mut().for_each(|text| change(Place::Target, text));
            exchanges.iter_mut().for_each(|exchange| each_text_of(exchange, change));
            pages.iter_mut().for_each(|page| each_text_of_page(page, change));
        }
        exchanges.iter_mut().for_each(|exchange| each_text_of(exchange, change));
        pages.iter_mut().for_each(|page| each_text_of_page(page, change));
    }
}

fn pages_of(scenario: &mut ScenarioRecord) -> impl Iterator<Item = &mut PageView> {
    scenario.steps.iter_mut().flat_map(|step| &mut step.pages).chain(&mut scenario.pages)
}

fn each_text_of_page(page: &mut PageView, change: Change<'_>) {
    let PageView { step, url, title, picture, no_picture, tree, console, .. } = page;
    picture.iter_mut().for_each(|file| change(Place::Feature, file));
    [step, url].into_iter().chain(no_picture).for_each(|text| change(Place::Sentence, text));
    std::iter::once(title).chain(console).for_each(|text| change(Place::Target, text));
    change(Place::Tree(tree.capped), &mut tree.text);
}

fn each_text_of(exchange: &mut Exchange, change: Change<'_>) {
    let Exchange { url, request_headers, request_body, form, outcome, .. } = exchange;
    change(Place::Sentence, url);
    if let Some(RequestForm { query, body, .. }) = form {
        for SentField { name, value, variable } in query.iter_mut().chain(body.fields_mut()) {
            change(Place::Header(name.as_str()), value);
            variable.iter_mut().for_each(|variable| change(Place::Sentence, variable));
        }
    }
    let body = |Text { text, capped, .. }: &mut Text, change: Change<'_>| change(Place::Body(*capped), text);
    let headers = |headers: &mut Vec<(String, String)>, change: Change<'_>| {
        headers.iter_mut().for_each(|(name, value)| change(Place::Header(name.as_str()), value));
    };
    headers(request_headers, change);
    body(request_body, change);
    match outcome {
        Outcome::Response { headers: list, body: text, .. } => {
            headers(list, change);
            body(text, change);
        }
        Outcome::Error(reason) => change(Place::Sentence, reason),
    }
}

/// A masked text as an address. Where an address must not contain the mask, a placeholder replaces the mask, or if that is
/// not valid either, the whole address. The original address is never kept, since it holds the secret.
fn valid(masked: &str) -> Url {
    let parsed = Url::parse(masked).or_else(|_| Url::parse(&masked.replace(MASK, "secret")));
    parsed.or_else(|_| Url::parse("http://secret.invalid/")).unwrap_or_else(|error| unreachable!("{error}"))
}

fn mask(redactor: &Redactor, place: Place<'_>, text: &mut String, anew: bool) {
    let masked = match place {
        Place::Sentence => redactor.redact(text),
        Place::Feature => redactor.redact_learned(text),
        Place::Target => redactor.redact_foreign(text),
        Place::Header(name) if anew => Cow::Owned(redactor.redact_value(name, text)),
        Place::Body(_) if anew => redactor.redact_foreign(text),
        Place::Header(_) | Place::Body(_) | Place::Tree(_) => redactor.redact_known(text),
    };
    let cut = matches!(place, Place::Body(true) | Place::Tree(true));
    let masked = if cut { Cow::Owned(redactor.redact_cut(&masked)) } else { masked };
    // Most texts hold no secret.
    if let Cow::Owned(masked) = masked {
        *text = masked;
    }
}

fn neutralise(text: &mut String) {
    let neutral = plain(text);
    if neutral != text.as_str() {
        *text = neutral.into_owned();
    }
}
