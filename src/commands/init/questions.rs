//! The questions on a terminal. After an invalid answer the question is repeated with the reason.

use std::io::IsTerminal as _;

use dialoguer::Input;
use url::Url;

use crate::cli::values::base_url;
use crate::error::Error;

/// Whether somebody is there who can answer.
pub(super) fn can_be_asked() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// The Author's address.
pub(super) fn author_url() -> Result<Url, Error> {
    let text = ask("Address of the Author, with its context path", false)?;
    base_url(&text).map_err(Error::Usage)
}

/// The tenant's address, unless the answer is empty.
pub(super) fn tenant_url() -> Result<Option<Url>, Error> {
    let text =
        ask("Address of the Brand Portal tenant, https://<tenant-id>.brand-portal.adobe.com (Enter: later)", true)?;
    let text = text.trim();
    if text.is_empty() { Ok(None) } else { base_url(text).map(Some).map_err(Error::Usage) }
}

fn ask(question: &str, may_be_empty: bool) -> Result<String, Error> {
    let valid = move |text: &String| match base_url(text.trim()) {
        Err(problem) if !(may_be_empty && text.trim().is_empty()) => Err(problem),
        _ => Ok(()),
    };
    let input = Input::<String>::new().with_prompt(question).allow_empty(may_be_empty).validate_with(valid);
    input
        .interact_text()
        .map(|text| text.trim().to_owned())
        .map_err(|error| Error::Usage(format!("the question was not answered: {error}; nothing was written")))
}
