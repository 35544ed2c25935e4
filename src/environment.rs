//! The environment and the credentials file: read once, validated, and never printed.

use std::collections::BTreeMap;
use std::path::Path;

use bpconform_steps::credentials::{ALL, Credentials};

use crate::cli::settings::{self, PREFIX};
use crate::credentials_file;
use crate::error::Error;
use crate::nearest::nearest;
use crate::text_file;

/// The environment variables of this program, as `(name, value)`.
pub fn variables() -> Result<BTreeMap<String, String>, Error> {
    let ours = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    ours.filter(|(name, _)| name.starts_with(PREFIX))
        .map(|(name, value)| match value.into_string() {
            Ok(value) => Ok((name, value)),
            Err(_) => Err(Error::Environment { name, problem: "its value is not valid UTF-8".into() }),
        })
        .collect()
}

/// One message for each variable that has the program's prefix but no meaning.
pub fn unknown(variables: &BTreeMap<String, String>) -> Vec<String> {
    let known = known();
    let unknown = variables.keys().filter(|name| !known.contains(name));
    unknown
        .map(|name| {
            let near = nearest(name, known.iter().map(String::as_str));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            format!("{name} is set but is not a variable of bpconform{hint}")
        })
        .collect()
}

fn known() -> Vec<String> {
    let settings = settings::all().iter().map(|setting| setting.variable.clone());
    settings.chain(ALL.iter().map(|credential| credential.name.to_owned())).collect()
}

/// The credentials: from the environment, then from `configured`, then from the file.
pub fn credentials(
    variables: &BTreeMap<String, String>,
    configured: BTreeMap<String, String>,
    file: Option<&Path>,
) -> Result<Credentials, Error> {
    let mut values = file.map(read).transpose()?.unwrap_or_default();
    values.extend(configured);
    for credential in ALL {
        let Some(value) = variables.get(credential.name) else { continue };
        check(credential.name, value)
            .map_err(|problem| Error::Environment { name: credential.name.to_owned(), problem })?;
        values.insert(credential.name.to_owned(), value.clone());
    }
    Ok(Credentials::new(values).0)
}

fn read(file: &Path) -> Result<BTreeMap<String, String>, Error> {
    let wrong = |problem: String| Error::Credentials { file: file.to_owned(), problem };
    private(file).map_err(wrong)?;
    let text = text_file::read(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let values = credentials_file::parse(&text).map_err(wrong)?;
    for (name, (line, value)) in &values {
        check(name, value).map_err(|problem| wrong(format!("line {line}: {name}: {problem}")))?;
    }
    Ok(values.into_iter().map(|(name, (_, value))| (name, value)).collect())
}

pub(crate) fn check(name: &str, value: &str) -> Result<(), String> {
    if value.trim().is_empty() {
        return Err("it is empty; set it or remove it".into());
    }
    let one_line = name != "BPCONFORM_JWT_PRIVATE_KEY";
    if one_line && value.chars().any(char::is_control) {
        return Err("it contains a line break or another control character; check how it was set".into());
    }
    if name.ends_with("_TOKEN") && (value.contains('{') || value.trim().contains(' ')) {
        return Err(
            "it is not a token, which has no blanks; of a downloaded JSON file, set the value of accessToken".into()
        );
    }
    if name == "BPCONFORM_JWT_PRIVATE_KEY" && !value.contains("-----BEGIN") {
        return Err("it is not PEM, which begins with -----BEGIN PRIVATE KEY-----".into());
    }
    if name == "BPCONFORM_IMS_ORG_ID" && !value.contains('@') {
        return Err("it is not an organization id, which looks like 1234567890ABCDEF@AdobeOrg".into());
    }
    Ok(())
}

#[cfg(unix)]
pub(crate) fn private(file: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;
    let meta = std::fs::metadata(file).map_err(|error| format!("cannot be read: {error}"))?;
    let mode = meta.permissions().mode() & 0o777;
    let of_others = mode & 0o077;
    if of_others == 0 {
        return Ok(());
    }
    Err(format!("other users can read it (mode {mode:o}); run `chmod 600 {}`", file.display()))
}

#[cfg(not(unix))]
pub(crate) fn private(_: &Path) -> Result<(), String> {
    Ok(())
}
