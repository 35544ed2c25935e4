//! `bpconform init`: the first step towards a real Author. It asks for missing addresses, checks with read
//! requests that an Author answers there, writes a profile with comments, and prints the next command.

mod profile;
mod questions;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use url::Url;

use crate::cli::CommonArgs;
use crate::cli::init::InitArgs;
use crate::commands::init::profile::ProfileText;
use crate::config::FILE;
use crate::config::file::ConfigFile;
use crate::error::Error;
use crate::exit::Exit;
use crate::inputs::surfaces;
use crate::output::Output;
use crate::reach::{Reach, SettingSources};
use crate::run::preflight;

/// Carries out `bpconform init`.
pub async fn command(
    args: &InitArgs,
    common: &CommonArgs,
    place: SettingSources<'_>,
    output: &Output,
) -> Result<Exit, Error> {
    let file = common.config.clone().unwrap_or_else(|| PathBuf::from(FILE));
    let present = if file.exists() { Some(ConfigFile::read(&file)?) } else { None };
    let (author, tenant) = addresses(args)?;
    let name = common.profile.clone().unwrap_or_else(|| profile::name_for(&author));
    if present.iter().flat_map(ConfigFile::profiles).any(|known| known == name) {
        return Err(Error::Usage(format!(
            "{} already has the profile {name}; choose another name with --profile NAME, or edit the file",
            file.display()
        )));
    }
    if !args.offline {
        look(&author, args, place, output).await?;
    }
    let text = ProfileText { name: &name, author: &author, tenant: tenant.as_ref(), configured: place.configured };
    append(&file, &text.render(present.is_none()))?;
    output.err(&format!("written: the profile {name} in {}\n", file.display()));
    output.out(&next_commands(&file, &name));
    Ok(Exit::Green)
}

/// The addresses of flags and environment; on a terminal the user is asked for those that are missing.
fn addresses(args: &InitArgs) -> Result<(Url, Option<Url>), Error> {
    let (author, tenant) = (args.target.author_url.clone(), args.target.tenant_url.clone());
    match author {
        Some(author) if tenant.is_some() || !questions::can_be_asked() => Ok((author, tenant)),
        Some(author) => Ok((author, questions::tenant_url()?)),
        None if questions::can_be_asked() => {
            let author = questions::author_url()?;
            Ok((author, tenant.map_or_else(questions::tenant_url, |tenant| Ok(Some(tenant)))?))
        }
        None => Err(Error::Missing {
            what: "address of the Author",
            advice: "set --author-url URL, or start `bpconform init` on a terminal, where it asks".to_owned(),
        }),
    }
}

/// Whether an Author answers; with credentials also whether it accepts them.
async fn look(author: &Url, args: &InitArgs, place: SettingSources<'_>, output: &Output) -> Result<(), Error> {
    let reach = Reach::with_what_is_known(author.clone(), &args.target, place, output)?;
    let session = reach.session(reach.run(surfaces(None)?, &args.target, output)?);
    let (checked, found) = if reach.credentials.author_login().is_ok() {
        (preflight::check(&session).await, "it is an AEM Author and accepts the credentials")
    } else {
        let found = "it shows AEM's login page; whether it accepts your credentials is not checked yet";
        (preflight::check_without_credentials(&session).await, found)
    };
    checked.map_err(|problem| Error::Unreachable {
        url: author.to_string(),
        problem: format!("{problem}; nothing was written; --offline writes without this check"),
    })?;
    output.err(&format!("reached: {author}: {found}\n"));
    Ok(())
}

/// A file that exists is only added to.
fn append(file: &Path, text: &str) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    let opened = options.create(true).append(true).open(file);
    opened
        .and_then(|mut it| it.write_all(text.as_bytes()))
        .map_err(|source| Error::Write { file: file.to_owned(), source })
}

fn next_commands(file: &Path, name: &str) -> String {
    let config = if file == Path::new(FILE) {
        String::new()
    } else {
        format!(" --config {}", shell_words::quote(&file.display().to_string()))
    };
    let profile = shell_words::quote(name);
    format!(
        "Next, with the user that checks:\n\n  export BPCONFORM_AUTHOR_USER=… BPCONFORM_AUTHOR_PASSWORD=…\n  \
         bpconform doctor{config} --profile {profile}\n  bpconform run{config} --profile {profile} --out evidence\n"
    )
}
