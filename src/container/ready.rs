//! Waits until an Author is ready: its login page is there and all its bundles are active, several times in a row. A
//! starting Author looks ready for a moment, and then restarts many of its bundles.

use std::time::{Duration, Instant};

use bpconform_steps::author::bundles;
use bpconform_steps::call::Authentication;
use bpconform_steps::{Call, Session};

/// How many checks in a row must find it ready.
const IN_A_ROW: u32 = 3;

/// The minimum and the maximum pause between two checks. The pause grows with the time that the start has taken, so that a
/// slow Author is observed for longer.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How long an Author with a login page may reject the credentials: during its start it does not know its users yet.
const REFUSED: Duration = Duration::from_secs(60);

/// What an Author lacks to be ready.
struct NotReady {
    what: String,
    refused: bool,
}

/// Waits until the Author is ready. The error names what was missing at the time limit, or why `alive` ended the wait. Each
/// new missing condition is passed to `report`.
pub(super) async fn wait(
    session: &Session,
    limit: Duration,
    alive: impl AsyncFn() -> Result<(), String>,
    mut report: impl FnMut(&str),
) -> Result<(), String> {
    let began = Instant::now();
    let (mut green, mut refused, mut last) = (0, None::<Instant>, String::new());
    loop {
        alive().await?;
        let left = limit.saturating_sub(began.elapsed());
        let looked = tokio::time::timeout(left, look(session)).await;
        let not = match looked {
            Ok(Ok(())) => None,
            Ok(Err(not)) => Some(not),
            Err(_) => Some(NotReady { what: last.clone(), refused: false }),
        };
        match not {
            None => {
                (green, refused) = (green + 1, None);
                last.clear();
            }
            Some(not) => {
                green = 0;
                refused = not.refused.then(|| refused.unwrap_or_else(Instant::now));
                if not.what != last {
                    report(&not.what);
                    last = not.what;
                }
            }
        }
        if green == IN_A_ROW {
            return Ok(());
        }
        if refused.is_some_and(|since| since.elapsed() > REFUSED) {
            return Err(format!("{last} for {} s; {}", REFUSED.as_secs(), session.credentials.author_advice()));
        }
        let pause = (began.elapsed() / 20).clamp(PAUSE.0, PAUSE.1);
        if began.elapsed() + pause > limit {
            return Err(too_late(limit, &last));
        }
        tokio::time::sleep(pause).await;
    }
}

fn too_late(limit: Duration, last: &str) -> String {
    let last = if last.is_empty() { "it was not asked often enough" } else { last };
    format!("it was not ready within {}: {last}; give it more with --start-timeout", in_words(limit))
}

/// A time limit as text: in minutes, or in seconds if it is short.
pub(super) fn in_words(limit: Duration) -> String {
    match limit.as_secs() {
        0..120 => format!("{} s", limit.as_secs_f32()),
        seconds => format!("{} minutes", seconds / 60),
    }
}

async fn look(session: &Session) -> Result<(), NotReady> {
    let not = |what: String| NotReady { what, refused: false };
    let login = session.send(Call::to("author.login-page").as_whom(Authentication::None)).await;
    let login = login.map_err(|problem| not(problem.reason))?;
    let ready = session.surface("author.login-page").phrase("ready");
    if login.status != 200 || !login.text().contains(ready) {
        return Err(not(format!("{} answered {}, and shows no login page", login.what(), login.status)));
    }
    let reply = session.send(Call::to("author.bundles")).await.map_err(|problem| not(problem.reason))?;
    if reply.status == 401 {
        return Err(NotReady { what: format!("{} answered 401", reply.what()), refused: true });
    }
    let bundles = bundles::read(&reply).map_err(|problem| not(problem.reason))?;
    let down: Vec<&str> =
        bundles.iter().filter(|bundle| !bundle.is_up()).map(|bundle| bundle.symbolic_name.as_str()).collect();
    match down.as_slice() {
        [] => Ok(()),
        [first, ..] => {
            Err(not(format!("{} of {} bundles are not active, for example {first}", down.len(), bundles.len())))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bpconform_fixtures::{Allow, Surfaces};
    use bpconform_steps::credentials::Credentials;

    use bpconform_steps::redact::Redactor;
    use bpconform_steps::run::Run;
    use bpconform_steps::stack::Stack;
    use bpconform_steps::wire::{Connection, Limits, Wire};

    use super::*;

    /// An Author whose state at each check is one letter: `s`tarting, a bundle `d`own, `r`ejecting the user, and `g`reen.
    /// The last letter holds for all later checks.
    fn author(looks: &'static str) -> Session {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let looked = AtomicUsize::new(0);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut head = [0; 4096];
                let read = stream.read(&mut head).unwrap_or_default();
                let head = String::from_utf8_lossy(&head[..read]).into_owned();
                let now = looked.load(Ordering::SeqCst).min(looks.len() - 1);
                let login = head.contains("login.html");
                let look = &looks[now..=now];
                if !login || look == "s" {
                    looked.fetch_add(1, Ordering::SeqCst);
                }
                let (status, body) = match (look, login) {
                    ("s", _) => ("503 Starting", String::new()),
                    (_, true) => ("200 OK", "QUICKSTART_HOMEPAGE".to_owned()),
                    ("r", _) => ("401 Unauthorized", String::new()),
                    (look, _) => {
                        let state = if look == "g" { 32 } else { 2 };
                        ("200 OK", format!(r#"{{"data":[{{"symbolicName":"a.bundle","stateRaw":{state}}}]}}"#))
                    }
                };
                let length = body.len();
                let _ =
                    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
            }
        });
        session(&url)
    }

    fn session(url: &str) -> Session {
        let wire = Wire::new(&Connection::to_mocks(Limits::default())).expect("a client");
        let surfaces = Arc::new(Surfaces::built_in().clone());
        let run = Run::new("ready", Allow::Observe, surfaces, wire, Redactor::default());
        let author = url.parse().expect("an address");
        let stack = Stack { author, ims: None, console: None, tenant: None, control: None };
        let login = [("BPCONFORM_AUTHOR_USER", "u"), ("BPCONFORM_AUTHOR_PASSWORD", "a-password-of-tests")];
        let login = login.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Session::new(Arc::new(run), stack, Credentials::new(login).0)
    }

    async fn reported(looks: &'static str, limit: f32) -> (Result<(), String>, Vec<String>) {
        let mut reported = Vec::new();
        let session = author(looks);
        let outcome =
            wait(&session, Duration::from_secs_f32(limit), async || Ok(()), |lacks| reported.push(lacks.to_owned()))
                .await;
        (outcome, reported)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_author_that_falls_back_is_not_ready_yet() {
        let (outcome, reported) = reported("sdggdsggg", 30.0).await;
        assert_eq!(outcome, Ok(()));
        // Starting, a bundle, the bundle again after it was green twice, starting again.
        assert_eq!(reported.len(), 4, "{reported:?}");
        assert!(
            reported[0].contains("503") && reported[1].contains("1 of 1 bundles") && reported[1].contains("a.bundle"),
            "{reported:?}"
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_that_never_gets_there_is_told_with_what_it_lacked() {
        for (looks, lacked) in [("d", "a.bundle"), ("r", "401"), ("sg", "not ready")] {
            // Too short for three looks in a row.
            let limit = if looks == "sg" { 0.25 } else { 0.6 };
            let problem = reported(looks, limit).await.0.expect_err(looks);
            assert!(problem.contains(lacked) && problem.contains("--start-timeout"), "{problem}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_whose_container_ends_is_not_waited_for() {
        let dead = async || Err("its container ended with exit code 1".to_owned());
        let outcome = wait(&author("s"), Duration::from_secs(3600), dead, |_| ()).await;
        assert_eq!(outcome, Err("its container ended with exit code 1".to_owned()));
    }
}
