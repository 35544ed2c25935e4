//! The parsers of values, shared by the flags of several commands.

use std::time::Duration;

use bpconform_fixtures::{Allow, Product, Surfaces, System};
use bpconform_mocks::author::seed;
use bpconform_mocks::faults::Fault;
use bpconform_steps::author::product::LatestServicePack;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use regex::Regex;
use url::Url;

use crate::report::ReportFormat;
use crate::report::style::Color;
use crate::shard::Shard;

/// The word for all faults of the wire.
pub const EVERY_FAULT: &str = "all";

pub(crate) fn allow_level() -> impl TypedValueParser<Value = Allow> {
    PossibleValuesParser::new(Allow::ALL.map(Allow::word)).try_map(|word| word.parse::<Allow>())
}

/// The word that leaves the choice of the product to the Author's signs.
pub const ANY_PRODUCT: &str = "auto";

/// A product, or none for [`ANY_PRODUCT`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProductChoice(pub Option<Product>);

pub(crate) fn product() -> impl TypedValueParser<Value = ProductChoice> {
    let words = std::iter::once(ANY_PRODUCT).chain(Product::ALL.map(Product::word));
    PossibleValuesParser::new(words).map(|word| ProductChoice(word.parse().ok()))
}

/// A service pack, checked but kept as it was written.
pub(crate) fn latest_service_pack(text: &str) -> Result<String, String> {
    text.parse::<LatestServicePack>().map(|_| text.to_owned()).map_err(|problem| problem.reason)
}

pub(crate) fn named_product() -> impl TypedValueParser<Value = Product> {
    PossibleValuesParser::new(Product::ALL.map(Product::word)).try_map(|word| word.parse::<Product>())
}

fn faults() -> impl Iterator<Item = PossibleValue> {
    Fault::ALL.iter().map(|fault| PossibleValue::new(fault.id).help(fault.says))
}

pub(crate) fn fault() -> impl TypedValueParser<Value = String> {
    PossibleValuesParser::new(faults())
}

pub(crate) fn fault_or_all() -> impl TypedValueParser<Value = String> {
    PossibleValuesParser::new([PossibleValue::new(EVERY_FAULT).help("all of these")].into_iter().chain(faults()))
}

pub(crate) fn system() -> impl TypedValueParser<Value = System> {
    PossibleValuesParser::new(System::ALL.map(System::word)).try_map(|word| word.parse::<System>())
}

pub(crate) fn seed() -> impl TypedValueParser<Value = String> {
    PossibleValuesParser::new(seed::states())
}

/// A number of requests at once.
pub(crate) fn connections(text: &str) -> Result<usize, String> {
    let number: usize = text.parse().map_err(|_| "it is not a whole number".to_owned())?;
    if (1..=64).contains(&number) { Ok(number) } else { Err("it is not from 1 to 64".to_owned()) }
}

pub(crate) fn regex(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| format!("it is not a valid regular expression: {error}"))
}

pub(crate) fn base_url(text: &str) -> Result<Url, String> {
    let example = "write it like https://author.example.com:4502";
    let mut url = Url::parse(text).map_err(|error| format!("{error}; {example}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(format!("it needs a scheme http or https and a host; {example}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it contains a user or a password; set them in the environment: BPCONFORM_AUTHOR_USER, \
            BPCONFORM_AUTHOR_PASSWORD"
            .into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("it has a query or a fragment; {example}"));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    if path.split('/').any(|name| [".html", ".jsp", ".json"].iter().any(|ending| name.ends_with(ending))) {
        return Err(format!("it is the address of a page; give that of the system, with its context path; {example}"));
    }
    // People copy the token endpoint from the Developer Console.
    let tokens = ["ims.token", "ims.exchange-jwt"].map(|id| Surfaces::built_in().get(id));
    let mut endpoints = tokens.iter().flat_map(|surface| std::iter::once(&surface.path).chain(&surface.alternatives));
    if endpoints.any(|endpoint| path.ends_with(endpoint.as_str())) {
        return Err(
            "it is the address of an endpoint; give that of the system, like https://ims-na1.adobelogin.com".into()
        );
    }
    url.set_path(&path);
    Ok(url)
}

pub(crate) fn shard(text: &str) -> Result<Shard, String> {
    if text != "auto" {
        return text.parse();
    }
    let found = Shard::from_environment(|name| std::env::var(name).ok())?;
    found.ok_or_else(|| "no CI system says which part this is; write it like 2/5".into())
}

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    duration(text, "seconds", 1.0)
}

pub(crate) fn minutes(text: &str) -> Result<Duration, String> {
    duration(text, "minutes", 60.0)
}

pub(crate) fn hours(text: &str) -> Result<Duration, String> {
    duration(text, "hours", 3600.0)
}

/// A number of units of so many seconds.
fn duration(text: &str, units: &str, seconds: f64) -> Result<Duration, String> {
    let number = text.parse::<f64>().ok().filter(|number| *number > 0.0);
    let duration = number.and_then(|number| Duration::try_from_secs_f64(number * seconds).ok());
    duration.ok_or_else(|| format!("it must be a number of {units} greater than 0"))
}

pub(crate) fn color() -> impl TypedValueParser<Value = Color> {
    let values = Color::ALL.map(|color| PossibleValue::new(color.word()).help(color.help()));
    PossibleValuesParser::new(values).try_map(|word| word.parse::<Color>())
}

pub(crate) fn report_format() -> impl TypedValueParser<Value = ReportFormat> {
    let values = ReportFormat::all().map(|format| PossibleValue::new(format.word()).help(format.help()));
    PossibleValuesParser::new(values).try_map(|word| word.parse::<ReportFormat>())
}

/// The number of pairs of a defect and a variation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairs {
    /// All pairs.
    All,
    /// A sample of this size.
    Sample(usize),
}

/// Parses `all` or a number above 0.
pub(super) fn pairs(text: &str) -> Result<Pairs, String> {
    match text.parse() {
        _ if text == "all" => Ok(Pairs::All),
        Ok(number) if number > 0 => Ok(Pairs::Sample(number)),
        _ => Err("use `all` or a number above 0".into()),
    }
}
