//! `bpconform surface drift`: compares the answers of two Authors.

use bpconform_fixtures::{Allow, DriftRequest, DriftRequests};
use bpconform_steps::credentials::Credentials;
use url::Url;

use crate::cli::surface::{DriftArgs, DriftFormat};
use crate::drift::accepted::Accepted;
use crate::drift::ask::{self, Side};
use crate::drift::report::{self, Sides};
use crate::drift::{Answers, Drift, compare};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::reach::{Reach, SettingSources};
use crate::run::preflight;

/// The credentials of the second Author, each with the one that it stands for.
const OF_B: [(&str, &str); 3] = [
    ("BPCONFORM_AUTHOR_B_USER", "BPCONFORM_AUTHOR_USER"),
    ("BPCONFORM_AUTHOR_B_PASSWORD", "BPCONFORM_AUTHOR_PASSWORD"),
    ("BPCONFORM_AUTHOR_B_TOKEN", "BPCONFORM_AUTHOR_TOKEN"),
];

/// Carries it out.
pub async fn command(arguments: &DriftArgs, place: SettingSources<'_>, output: &Output) -> Result<Exit, Error> {
    let accepted = arguments.accept.as_deref().map_or_else(|| Ok(Accepted::nothing()), Accepted::read)?;
    let requests = &DriftRequests::of(arguments.target.product.0);
    let all: Vec<DriftRequest> = requests.reads.iter().chain(&requests.changes).cloned().collect();
    let changes = arguments.target.allow.is_some_and(|allow| allow == Allow::Change);
    let [a, b] = [reach(arguments, &arguments.a, place, output)?, reach(arguments, &arguments.b, place, output)?];
    let b = Reach { credentials: of_b(&b.credentials), ..b };
    for one in [&a, &b] {
        let session = one.session(one.run(ask::surfaces(&all), &arguments.target, output)?);
        let url = one.stack.author.to_string();
        preflight::check(&session).await.map_err(|problem| Error::Unreachable { url, problem })?;
    }
    let mut a = side(&a, arguments, &all, output).await?;
    let mut b = side(&b, arguments, &all, output).await?;
    let mut answers = ask::reads(&a, &b, &requests.reads).await;
    let mut left = Vec::new();
    if changes {
        answers.extend(changed(&mut a, &mut b, requests).await);
        for one in [&a, &b] {
            left.extend(one.undo().await);
        }
    }
    let drift = compare(answers, &accepted);
    let sides = Sides { a: arguments.a.as_str(), b: arguments.b.as_str() };
    output.out(&match arguments.format {
        DriftFormat::Text => report::text(&drift, sides),
        DriftFormat::Markdown => report::markdown(&drift, sides),
        DriftFormat::Json => report::json(&drift, sides),
    });
    for (problems, journal) in &left {
        let why = problems.join("; ");
        output.err(&format!("not undone: {why}; to undo it: bpconform clean {}\n", journal.display()));
    }
    Ok(if left.is_empty() { exit(&drift) } else { Exit::CleanUp })
}

/// The changes and their results; only the reason if a folder cannot be created.
async fn changed<'a>(a: &mut Side, b: &mut Side, requests: &'a DriftRequests) -> Vec<Answers<'a>> {
    for one in [&mut *a, &mut *b] {
        if let Err(problem) = one.make_folder().await {
            return requests.changes.iter().map(|request| (request, Err(problem.clone()))).collect();
        }
    }
    ask::changes(a, b, requests.reads.len(), &requests.changes).await
}

fn reach(arguments: &DriftArgs, url: &Url, place: SettingSources<'_>, output: &Output) -> Result<Reach, Error> {
    Reach::at(url.clone(), &arguments.target, place, output)
}

/// One of the two Authors, with the values that the requests need.
async fn side(reach: &Reach, arguments: &DriftArgs, requests: &[DriftRequest], output: &Output) -> Result<Side, Error> {
    let run = reach.run(ask::surfaces(requests), &arguments.target, output)?;
    let run = match arguments.target.allow {
        Some(Allow::Change) => ask::with_journal(run, &reach.stack)?,
        _ => run,
    };
    Ok(Side::new(reach.session(run), arguments.target.product.0).await)
}

/// The credentials for the second Author: its own if they are set, otherwise those of the first.
fn of_b(credentials: &Credentials) -> Credentials {
    // A token of the first Author would override the user and password of the second one.
    let own_user = credentials.get("BPCONFORM_AUTHOR_B_USER").is_some();
    let inherits = |name: &str| !(own_user && name == "BPCONFORM_AUTHOR_TOKEN");
    let own = |name: &str| OF_B.iter().find(|(_, usual)| *usual == name).and_then(|(own, _)| credentials.get(own));
    let all = bpconform_steps::credentials::ALL.iter().filter_map(|credential| {
        let value =
            own(credential.name).or_else(|| credentials.get(credential.name).filter(|_| inherits(credential.name)))?;
        Some((credential.name.to_owned(), value.to_owned()))
    });
    Credentials::new(all).0
}

fn exit(drift: &Drift<'_>) -> Exit {
    match drift.count(false) {
        0 if drift.unanswered.is_empty() => Exit::Green,
        0 => Exit::Unreachable,
        _ => Exit::NonConformant,
    }
}
