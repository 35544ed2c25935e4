//! The flags of `bpconform run` that say what the exit code depends on.

use std::time::Duration;

use bpconform_fixtures::requirements::Level;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::cli::values::seconds;

/// What the exit code depends on besides the verdicts.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Gate")]
pub struct GateArgs {
    /// The requirements whose failure makes the run fail: all, or only those that the document demands
    #[arg(long, value_name = "LEVEL", value_parser = level(), default_value = "should")]
    pub fail_on: Level,
    /// Exit with 4 unless at least N requirements, or the requirements with these ids, are proved; can be repeated
    #[arg(long, value_name = "N|ID", value_delimiter = ',')]
    pub require_proved: Vec<String>,
    /// Warn if a request to an endpoint takes longer, for example ims.token=2; with --strict this is a failure; can be
    /// repeated
    #[arg(long = "max-duration", value_name = "ENDPOINT=SECONDS", value_parser = limit)]
    pub max_durations: Vec<(String, Duration)>,
}

fn level() -> impl TypedValueParser<Value = Level> {
    let values = [
        PossibleValue::new("must").help("What the document demands"),
        PossibleValue::new("should").help("Also what it recommends"),
    ];
    PossibleValuesParser::new(values).map(|word| if word == "must" { Level::Must } else { Level::Should })
}

fn limit(text: &str) -> Result<(String, Duration), String> {
    let (endpoint, limit) =
        text.split_once('=').ok_or("write it like ims.token=2; `bpconform surface show` lists the endpoints")?;
    Ok((endpoint.to_owned(), seconds(limit)?))
}
