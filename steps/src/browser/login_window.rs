//! The window in which a person logs in at the Author, whatever its login asks for: single sign-on, a second factor.
//!
//! Nothing of it is stopped or read, since the pages of such a login live on other hosts. What is taken from it are the
//! cookies that the browser would send to the Author; they stay in memory.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::Url;

use super::devtools::DevTools;
use super::process::{self, Launch, Process, Profile};
use super::{Running, end};
use crate::problem::{Checked, Problem};

/// A cookie that the browser would send to the Author: its name and its value.
pub type Cookie = (String, SecretString);

/// Which browser a person logs in with.
#[derive(Clone, Copy, Debug)]
pub struct LoginChoice<'a> {
    /// The program; none for the one that is installed.
    pub program: Option<&'a Path>,
    /// The person's own user data directory of that browser; none for a new one that is removed afterwards.
    pub profile: Option<&'a Path>,
    /// The proxy without its credentials, if the run was given one.
    pub proxy: Option<&'a Url>,
}

/// A window in which a person logs in.
#[derive(Debug)]
pub struct LoginWindow {
    running: Running,
}

impl LoginWindow {
    /// Opens the window at that page of the Author. The error says why it cannot be opened, and the next step.
    pub async fn open(choice: LoginChoice<'_>, page: &Url) -> Result<Self, String> {
        let (program, sandboxed) = super::program_for(choice.program, page)?;
        has_display()?;
        let temporary = std::env::temp_dir().join(format!("bpconform-login-{}", std::process::id()));
        let profile = match choice.profile {
            Some(profile) => {
                is_free(profile)?;
                Profile::OfPerson(profile)
            }
            None => Profile::New(&temporary),
        };
        let proxy = choice.proxy.map(|url| url.as_str().trim_end_matches('/'));
        let launch = Launch::of_person(&program, profile, sandboxed, proxy, page.as_str());
        let no_start = |why: String| format!("{} does not start: {why}", program.display());
        let (process, to, from) = Process::start(&launch).map_err(|error| no_start(error.to_string()))?;
        let (devtools, events) = DevTools::through(to, from);
        let running = Running { devtools, process, events: Mutex::new(events) };
        match running.call("Browser.getVersion", json!({})).await {
            Ok(_) => Ok(Self { running }),
            Err(problem) => {
                end(Some(running)).await;
                Err(no_start(format!(
                    "{}; is the display usable, and does another browser use the profile?",
                    problem.reason
                )))
            }
        }
    }

    /// The cookies that the browser would send to this address; none if the window was closed.
    pub async fn cookies(&self, of: &Url) -> Option<Vec<Cookie>> {
        let pages = super::page::pages(&self.running).await.ok()?;
        // A page may close while it is asked; another one may answer.
        for page in &pages {
            if let Ok(cookies) = self.cookies_by(page, of).await {
                return Some(cookies);
            }
        }
        // Between two pages there may be none for a moment.
        if pages.is_empty() { None } else { Some(Vec::new()) }
    }

    async fn cookies_by(&self, page: &str, of: &Url) -> Checked<Vec<Cookie>> {
        let attach = json!({ "targetId": page, "flatten": true });
        let attached = self.running.call("Target.attachToTarget", attach).await?;
        let session = attached["sessionId"].as_str().unwrap_or_default();
        let urls = json!({ "urls": [of.as_str()] });
        let found = self.running.devtools.call(Some(session), "Network.getCookies", urls).await;
        let _ = self.running.call("Target.detachFromTarget", json!({ "sessionId": session })).await;
        read(&found?)
    }

    /// Closes the window, so that the browser keeps what it keeps in a person's profile.
    pub async fn close(self) {
        let _ = self.running.call("Browser.close", json!({})).await;
        end(Some(self.running)).await;
    }
}

fn read(found: &Value) -> Checked<Vec<Cookie>> {
    let all = found["cookies"].as_array().ok_or_else(|| Problem::error("the browser names no cookies"))?;
    let cookie = |it: &Value| Some((it["name"].as_str()?.to_owned(), it["value"].as_str()?.into()));
    Ok(all.iter().filter_map(cookie).collect())
}

/// An error if no window can be shown.
fn has_display() -> Result<(), String> {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !cfg!(target_os = "linux") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") {
        return Ok(());
    }
    Err("a person needs a window to log in, and no display is available (neither DISPLAY nor WAYLAND_DISPLAY is set): run it on \
        a desktop or with ssh -X, or use BPCONFORM_AUTHOR_USER and BPCONFORM_AUTHOR_PASSWORD"
        .to_owned())
}

/// An error if a browser uses that profile. Chromium would hand the page over to that browser and end.
fn is_free(profile: &Path) -> Result<(), String> {
    if profile.exists() && !profile.is_dir() {
        return Err(format!("--browser-profile: {} is not a directory", profile.display()));
    }
    let lock: PathBuf = profile.join("SingletonLock");
    let Ok(owner) = std::fs::read_link(&lock) else { return Ok(()) };
    let owner = owner.to_string_lossy().into_owned();
    if process::has_ended(&owner) {
        return Ok(());
    }
    Err(format!(
        "--browser-profile: a browser uses {} ({owner} in SingletonLock): close it or, if none runs, remove that file",
        profile.display()
    ))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_profile_that_a_browser_uses_is_refused() {
        let folder = std::env::temp_dir().join(format!("bpconform-profile-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("it can be made");
        assert_eq!(is_free(&folder), Ok(()));
        assert_eq!(is_free(&folder.join("new")), Ok(()));
        let lock = folder.join("SingletonLock");
        std::os::unix::fs::symlink("another-host-1", &lock).expect("it can be made");
        let refused = is_free(&folder).expect_err("it is in use");
        assert!(refused.contains("another-host-1") && refused.contains("close it"), "{refused}");
        std::fs::remove_dir_all(&folder).expect("it can be removed");
    }
}
