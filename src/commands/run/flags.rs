//! Conflicting flags. Each is an error, because a flag that is silently ignored would seem to be checked.

use clap::parser::ValueSource;

use crate::cli::browser::LoginKind;
use crate::cli::hybrid::SystemChoice;
use crate::cli::run::RunArgs;
use crate::cli::target::{TargetArgs, TargetKind};
use crate::config::Configured;
use crate::error::Error;

/// Checks the flags of a run.
pub(super) fn check(run: &RunArgs, configured: &Configured) -> Result<(), Error> {
    flags_need_a_target(&run.target, configured.command())?;
    mocks_need_a_target(run, configured.command())?;
    a_person_needs_an_author(run, configured.command())?;
    mocks_are_meant(run, configured)
}

/// The settings that say which systems are checked.
pub(crate) const TARGETS: [&str; 8] =
    ["target", "author_url", "author_image", "ims_url", "tenant_url", "console_url", "ims", "tenant"];

/// By default the embedded mocks are checked. An operator who names a real system or a profile would
/// take their verdict for that of the real one.
fn mocks_are_meant(run: &RunArgs, configured: &Configured) -> Result<(), Error> {
    if run.target.target != TargetKind::Mock || configured.is_given("target") {
        return Ok(());
    }
    let advice = "the embedded mocks would be checked instead: set --target author or --target container, or --target \
        mock if they are meant";
    if let Some(id) = TARGETS.into_iter().find(|id| configured.is_given(id)) {
        return Err(Error::Usage(format!("{id} is set ({}), and {advice}", configured.origin_of(id))));
    }
    match &configured.profile {
        Some(profile) => {
            Err(Error::Usage(format!("the profile {profile} names no author_url and no target; {advice}")))
        }
        None => Ok(()),
    }
}

/// A flag for another kind of target would make the operator believe that it was checked.
fn flags_need_a_target(target: &TargetArgs, matches: &clap::ArgMatches) -> Result<(), Error> {
    let said = |id: &&str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let flag = |id: &str| id.replace('_', "-");
    let of_container = ["author_image", "container_port", "publish", "container_env", "mount", "start_timeout"];
    if let Some(id) = of_container.iter().find(|id| target.target != TargetKind::Container && said(id)) {
        return Err(Error::Usage(format!("--{} has no effect without --target container", flag(id))));
    }
    let of_author: &[&str] = match target.target {
        TargetKind::Mock => &[
            "author_url",
            "ims_url",
            "tenant_url",
            "console_url",
            "credentials",
            "ca_file",
            "client_cert",
            "client_key",
            "insecure",
            "proxy",
            "headers",
        ],
        TargetKind::Container => &["author_url"],
        TargetKind::Author => &[],
    };
    match (of_author.iter().find(|id| said(id)), target.target) {
        (Some(id), TargetKind::Mock) => {
            Err(Error::Usage(format!("--{} cannot be used with the embedded mocks; add --target author", flag(id))))
        }
        (Some(_), _) => {
            Err(Error::Usage("--author-url cannot be used with a container, which is given its address".into()))
        }
        (None, _) => Ok(()),
    }
}

/// A person logs in at a real Author only, and a browser's profile is for that login only.
fn a_person_needs_an_author(run: &RunArgs, matches: &clap::ArgMatches) -> Result<(), Error> {
    let said = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    match (run.how.browser.login, run.target.target) {
        (LoginKind::Manual, TargetKind::Author) => Ok(()),
        (LoginKind::Manual, _) if said("login") => {
            Err(Error::Usage("--login manual is for an Author at an address; add --target author".into()))
        }
        _ => match ["browser_profile", "login_timeout"].into_iter().find(|id| said(id)) {
            Some(id) => Err(Error::Usage(format!("--{} has no effect without --login manual", id.replace('_', "-")))),
            None => Ok(()),
        },
    }
}

/// How a run serves mocks to a real Author.
const SERVING: [&str; 6] = ["tenant_id", "advertise", "bind", "ims_port", "tenant_port", "ca_dir"];

/// What serves no mock, or would serve it in vain.
fn mocks_need_a_target(run: &RunArgs, matches: &clap::ArgMatches) -> Result<(), Error> {
    let said = |id: &&str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let flag = |id: &str| id.replace('_', "-");
    if run.target.target == TargetKind::Mock {
        return match ["ims", "tenant"].iter().chain(&SERVING).find(|id| said(id)) {
            Some(id) => Err(Error::Usage(format!(
                "--{} cannot be used with the embedded mocks, which are all mocks; add --target author",
                flag(id)
            ))),
            None => Ok(()),
        };
    }
    let mocks = run.hybrid.mocks()?;
    if let Some(id) = ["ims", "tenant"]
        .into_iter()
        .find(|id| mocks.iter().any(|system| system.word() == *id) && said(&format!("{id}_url").as_str()))
    {
        return Err(Error::Usage(format!("--{id}-url is of the real one, and --{id} says that it is a mock")));
    }
    match SERVING.iter().find(|id| run.hybrid.ims != SystemChoice::Mock && said(id)) {
        Some(id) => Err(Error::Usage(format!("--{} is for mocks that the run serves; add --ims mock", flag(id)))),
        None => Ok(()),
    }
}
