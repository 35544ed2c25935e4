//! The vocabulary of tags. It is closed: a mistyped tag is an error, so that its protection is never silently lost. Only
//! tags that begin with `@x-` are free for users.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bpconform_fixtures::{Allow, Product, Requirements, Surfaces, System};
use bpconform_mocks::author::seed;

use crate::nearest::nearest;

/// The beginning of tags that mean nothing here and are free for a user's own features.
const OWN: &str = "x-";

/// The meaning of a tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tag {
    /// `@BP-…`: the scenario proves that requirement.
    Requirement(String),
    /// `@observe`, `@probe`, `@change`: the permission level that the scenario needs.
    Allow(Allow),
    /// `@author:…`: the name of the seed that the scenario starts from.
    Author(String),
    /// `@surface:…`: the id of an endpoint that the scenario sends to.
    Surface(String),
    /// `@mock:…`: a system that must be a mock.
    Mock(System),
    /// `@real:…`: a system that must be real where the Author is.
    Real(System),
    /// `@product:…`: a product that the scenario is about; without such a tag it is about every product.
    Product(Product),
    /// `@mock-clock`: the scenario needs a clock that can be advanced.
    MockClock,
    /// `@irreversible`: the scenario does what cannot be undone.
    Irreversible,
    /// `@replaces`: the scenario deletes the configuration that the Author has.
    Replaces,
    /// `@x-…`: the user's own.
    Own(String),
}

impl Tag {
    /// The tag as it is written, without `@`.
    pub fn text(&self) -> String {
        match self {
            Self::Requirement(id) => id.clone(),
            Self::Allow(level) => level.to_string(),
            Self::Author(seed) => format!("author:{seed}"),
            Self::Surface(id) => format!("surface:{id}"),
            Self::Mock(system) => format!("mock:{}", system.word()),
            Self::Real(system) => format!("real:{}", system.word()),
            Self::Product(product) => format!("product:{product}"),
            Self::MockClock => "mock-clock".to_owned(),
            Self::Irreversible => "irreversible".to_owned(),
            Self::Replaces => "replaces".to_owned(),
            Self::Own(text) => text.clone(),
        }
    }
}

/// All tags that mean something.
#[derive(Debug)]
pub struct Vocabulary {
    tags: BTreeMap<String, Tag>,
}

impl Vocabulary {
    /// The tags for the built-in requirements, endpoints and seeds.
    pub fn built_in() -> &'static Self {
        static BUILT_IN: LazyLock<Vocabulary> =
            LazyLock::new(|| Vocabulary::new(Requirements::built_in(), Surfaces::built_in(), &seed::states()));
        &BUILT_IN
    }

    /// The tags for these requirements, endpoints and seeds.
    pub fn new(requirements: &Requirements, surfaces: &Surfaces, authors: &[&str]) -> Self {
        let plain = [Tag::MockClock, Tag::Irreversible, Tag::Replaces];
        let tags = plain
            .into_iter()
            .chain(Allow::ALL.map(Tag::Allow))
            .chain(System::ALL.map(Tag::Mock))
            .chain(System::ALL.map(Tag::Real))
            .chain(Product::ALL.map(Tag::Product))
            .chain(authors.iter().map(|seed| Tag::Author((*seed).to_owned())))
            .chain(requirements.all.iter().map(|requirement| Tag::Requirement(requirement.id.clone())))
            .chain(surfaces.iter().map(|surface| Tag::Surface(surface.id.clone())));
        Self { tags: tags.map(|tag| (tag.text(), tag)).collect() }
    }

    /// Reads a tag, given without `@`.
    ///
    /// # Errors
    ///
    /// What is wrong with a tag that is not in the vocabulary, with the nearest one that is.
    pub fn read(&self, text: &str) -> Result<Tag, String> {
        if let Some(tag) = self.tags.get(text) {
            return Ok(tag.clone());
        }
        if text.strip_prefix(OWN).is_some_and(|rest| !rest.is_empty()) {
            return Ok(Tag::Own(text.to_owned()));
        }
        let hint = self.nearest(text).map_or_else(
            || format!("; a tag of your own begins with @{OWN}"),
            |nearest| format!("; did you mean @{nearest}?"),
        );
        Err(format!("@{text} is not a known tag{hint}{}", self.arguments(text)))
    }

    /// The tag that was probably meant. Case does not count, since a tag in another case is the likeliest of all.
    fn nearest(&self, text: &str) -> Option<String> {
        let lower = text.to_lowercase();
        if lower.starts_with(OWN) && lower.len() > OWN.len() {
            return Some(lower);
        }
        // The similarity gives weight to a common beginning, so an argument is compared only with arguments of the same kind.
        let (kind, of_kind) = self.same_kind(&lower);
        let words: BTreeMap<String, &str> = of_kind.map(|tag| (tag[kind.len()..].to_lowercase(), tag)).collect();
        let near = nearest(&lower[kind.len()..], words.keys().map(String::as_str))?;
        words.get(near).map(|tag| (*tag).to_owned())
    }

    /// The prefix `kind:` of a tag that has one, and all tags with that prefix; without such a prefix, all tags.
    fn same_kind<'a>(&'a self, text: &'a str) -> (&'a str, impl Iterator<Item = &'a str>) {
        let prefix = text.find(':').map_or("", |colon| &text[..=colon]);
        let prefix = if self.tags.keys().any(|tag| tag.starts_with(prefix)) { prefix } else { "" };
        (prefix, self.tags.keys().map(String::as_str).filter(move |tag| tag.starts_with(prefix)))
    }

    /// The arguments of a kind that has few of them.
    fn arguments(&self, text: &str) -> String {
        let lower = text.to_lowercase();
        let (kind, tags) = self.same_kind(&lower);
        let arguments: Vec<&str> = tags.map(|tag| &tag[kind.len()..]).collect();
        if kind.is_empty() || arguments.len() > 12 {
            return String::new();
        }
        format!("; there are {}", arguments.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        Vocabulary::built_in().read(text).expect_err(text)
    }

    #[test]
    fn every_tag_reads_as_what_it_is() {
        let vocabulary = Vocabulary::built_in();
        assert!(vocabulary.tags.len() > 100, "{}", vocabulary.tags.len());
        for (text, tag) in &vocabulary.tags {
            assert_eq!(vocabulary.read(text).as_ref(), Ok(tag));
        }
        assert_eq!(vocabulary.read("x-Mine:1"), Ok(Tag::Own("x-Mine:1".to_owned())));
    }

    #[test]
    fn an_unknown_tag_names_the_nearest_one() {
        for (text, meant) in [
            ("irreversable", "irreversible"),
            ("Irreversible", "irreversible"),
            ("IRREVERSIBLE", "irreversible"),
            ("irreversible,", "irreversible"),
            ("ireversible", "irreversible"),
            ("replace", "replaces"),
            ("mock_clock", "mock-clock"),
            ("Observe", "observe"),
            ("changes", "change"),
            ("bp-rep-01", "BP-REP-01"),
            ("BP-REP-3", "BP-REP-03"),
            ("BP_REP_01", "BP-REP-01"),
            ("author:Configured", "author:configured"),
            ("authors:configured", "author:configured"),
            ("author:frsh", "author:fresh"),
            ("surface:author.publsh", "surface:author.publish"),
            ("mock:isms", "mock:ims"),
            ("MOCK:IMS", "mock:ims"),
            ("real:tennant", "real:tenant"),
            ("real", "real:ims"),
            ("product:aem-clout", "product:aem-cloud"),
            ("product:aem-6.5-tls", "product:aem-6.5-lts"),
            ("X-mine", "x-mine"),
        ] {
            assert!(problem(text).contains(&format!("did you mean @{meant}?")), "{text}: {}", problem(text));
        }
    }

    #[test]
    fn what_resembles_no_tag_is_told_how_an_own_one_begins() {
        for text in ["zzz", "x-", "7", "smoke"] {
            assert!(
                problem(text).contains("is not a known tag; a tag of your own begins with @x-"),
                "{}",
                problem(text)
            );
        }
        assert!(problem("mock:").contains("there are author, console, ims, tenant"), "{}", problem("mock:"));
        assert!(problem("author:neu").contains("there are agent-missing, configured"), "{}", problem("author:neu"));
    }
}
