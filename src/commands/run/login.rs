//! `--login manual`: a person logs in at the Author in a window of the browser, and the run continues with the cookies of
//! that session.

use std::sync::Arc;
use std::time::Duration;

use bpconform_fixtures::Surfaces;
use bpconform_steps::browser::login_window::{Cookie, LoginChoice, LoginWindow};
use bpconform_steps::call::Call;
use bpconform_steps::credentials::Credentials;
use bpconform_steps::run::Run;
use bpconform_steps::session::Session;
use bpconform_steps::welcome;
use bpconform_steps::wire::Proxy;
use secrecy::ExposeSecret as _;
use tokio::time::Instant;
use url::Url;

use crate::cli::browser::BrowserArgs;
use crate::cli::target::TargetArgs;
use crate::error::Error;
use crate::output::Output;
use crate::reach::Reach;
use crate::signals;

/// How often the window is asked for its cookies.
const PAUSE: Duration = Duration::from_millis(500);

/// How long the same cookies are not tried again: the Author may accept them later.
const AGAIN: Duration = Duration::from_secs(5);

/// Opens the window, and waits until the Author knows the person. Returns the credentials with the cookies of that session.
pub(super) async fn log_in(
    args: &BrowserArgs,
    reach: &Reach,
    surfaces: Arc<Surfaces>,
    target: &TargetArgs,
    output: &Output,
) -> Result<Credentials, Error> {
    let author = &reach.stack.author;
    let start = below(author, &surfaces.get("author.start-page").path);
    let proxy = match &reach.connection.proxy {
        Proxy::At { url, .. } => Some(url),
        Proxy::Usual | Proxy::None => None,
    };
    let choice = LoginChoice { program: args.browser.as_deref(), profile: args.browser_profile.as_deref(), proxy };
    let run = Arc::new(reach.run(surfaces, target, output)?);
    // Signals count from now on.
    let interrupted = signals::asked_to_end();
    let window = LoginWindow::open(choice, &start).await.map_err(|problem| cannot(author, &problem))?;
    let limit = args.login_timeout;
    output.err(&format!(
        "log in at {author} in the window of the browser; the run continues when the Author knows you (at most {} s)\n",
        limit.as_secs()
    ));
    let found = tokio::select! {
        found = tokio::time::timeout(limit, waited(&window, reach, &run)) => found,
        () = interrupted => {
            window.close().await;
            return Err(Error::Interrupted);
        }
    };
    window.close().await;
    let problem = match found {
        Ok(Some((credentials, user))) => {
            output.err(&format!("the Author knows you as {user}\n"));
            return Ok(credentials);
        }
        Ok(None) => {
            "the window was closed before the Author knew a user; start again, and leave it open: it is closed when \
            you are logged in"
                .to_owned()
        }
        Err(_) => {
            format!("no login within {} s; start again, or allow more with --login-timeout SECONDS", limit.as_secs())
        }
    };
    Err(cannot(author, &problem))
}

fn cannot(author: &Url, problem: &str) -> Error {
    Error::Unreachable { url: author.to_string(), problem: format!("--login manual: {problem}") }
}

fn below(author: &Url, path: &str) -> Url {
    let mut url = author.clone();
    url.set_path(&format!("{}{path}", author.path().trim_end_matches('/')));
    url
}

/// The credentials with the cookies of a session that the Author knows, and its user; none if the window was closed.
async fn waited(window: &LoginWindow, reach: &Reach, run: &Arc<Run>) -> Option<(Credentials, String)> {
    let page = below(&reach.stack.author, "/");
    let (mut tried, mut since) = (String::new(), Instant::now());
    loop {
        let cookies = window.cookies(&page).await?;
        let all: String = cookies.iter().map(|(name, value)| format!("{name}={};", value.expose_secret())).collect();
        if !all.is_empty() && (all != tried || since.elapsed() > AGAIN) {
            (tried, since) = (all, Instant::now());
            if let Some(known) = known(reach, run, &cookies).await {
                return Some(known);
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The user whom the Author knows by these cookies.
async fn known(reach: &Reach, run: &Arc<Run>, cookies: &[Cookie]) -> Option<(Credentials, String)> {
    let credentials = reach.credentials.clone().with_cookies(cookies);
    let session = Session::new(Arc::clone(run), reach.stack.clone(), credentials.clone());
    let user = session.send(Call::to("author.current-user")).await.ok()?;
    welcome::known(&user).map(|user| (credentials, user))
}
