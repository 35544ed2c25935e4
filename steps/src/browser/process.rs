//! The browser's process: finds the program, starts it with a new profile, and removes both at the end.
//!
//! It speaks the DevTools protocol through a pipe: no port is open to anybody, and a browser whose pipe is closed ends. The
//! shell that starts it removes the profile then, so that neither outlives this process, even if that is killed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// The names of the programs, in order of preference.
const NAMES: [&str; 6] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge"];

/// Where macOS has them.
const APPLICATIONS: [&str; 3] = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
];

/// Starts the browser with the pipe as its file descriptors 3 and 4, waits for its end and removes the profile. Processes
/// of the browser may write to it for another moment.
const SCRIPT: &str = r#"profile=$1; shift
"$@" 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null
for turn in 1 2 3 4 5 6 7 8 9 10; do
  rm -rf "$profile" 2>/dev/null
  [ -e "$profile" ] || break
  sleep 0.2
done"#;

/// The same for a profile of a person, of which nothing is removed.
const KEEPING_SCRIPT: &str = r#"shift
exec "$@" 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null"#;

/// The flags of a browser that is driven. It has no network: for every host, this machine included, it has a proxy on a closed
/// port. A request that is not answered through DevTools never leaves.
const DRIVEN: [&str; 22] = [
    "--remote-debugging-pipe",
    "--proxy-server=127.0.0.1:9",
    "--proxy-bypass-list=<-loopback>",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-features=Translate,OptimizationHints,MediaRouter,ServiceWorkerAutoPreload",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--lang=en-US",
    "--metrics-recording-only",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--password-store=basic",
    "--use-mock-keychain",
    "--window-size=1400,1000",
];

/// The flags of a browser in which a person logs in, with the network of this machine.
const OF_PERSON: [&str; 4] =
    ["--remote-debugging-pipe", "--no-default-browser-check", "--no-first-run", "--window-size=1400,1000"];

/// Its further flags if its profile is new: nothing of it is kept.
const NEW: [&str; 6] = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--password-store=basic",
    "--use-mock-keychain",
];

/// The longest path of a profile, in bytes, that can also hold the temporary files of the browser, one of which is a socket:
/// the path of `/org.chromium.Chromium.XXXXXX/SingletonSocket` may have 103 bytes on macOS.
const LONGEST_FOR_SOCKET: usize = 57;

/// How long a browser may take to end by itself.
const ENDING: Duration = Duration::from_secs(10);

/// The program that is installed on this machine, if any.
pub(super) fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let named = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    named.chain(APPLICATIONS.iter().map(PathBuf::from)).find(|program| program.is_file())
}

/// Whether the owner of a profile's lock, `HOST-PID`, is a process of this machine that has ended.
pub(super) fn has_ended(owner: &str) -> bool {
    let Some((host, pid)) = owner.rsplit_once('-') else { return false };
    let here = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    host == here.trim() && pid.parse::<u32>().is_ok() && !Path::new("/proc").join(pid).exists()
}

/// A user data directory.
#[derive(Clone, Copy, Debug)]
pub(super) enum Profile<'a> {
    /// One that does not exist yet, and is removed at the end.
    New(&'a Path),
    /// One of a person: nothing in it is removed.
    OfPerson(&'a Path),
}

/// How a browser is started.
#[derive(Clone, Debug)]
pub(super) struct Launch<'a> {
    program: &'a Path,
    profile: Profile<'a>,
    flags: Vec<String>,
    page: &'a str,
}

impl<'a> Launch<'a> {
    /// A browser without network, that is driven.
    pub(super) fn driven(program: &'a Path, profile: &'a Path, headed: bool, sandboxed: bool) -> Self {
        let mut flags: Vec<_> = DRIVEN.into_iter().map(str::to_owned).collect();
        flags.extend((!headed).then(|| "--headless=new".to_owned()));
        flags.extend((!sandboxed).then(|| "--no-sandbox".to_owned()));
        Self { program, profile: Profile::New(profile), flags, page: "about:blank" }
    }

    /// A window for a person, at that page.
    pub(super) fn of_person(
        program: &'a Path,
        profile: Profile<'a>,
        sandboxed: bool,
        proxy: Option<&str>,
        page: &'a str,
    ) -> Self {
        let mut flags: Vec<_> = OF_PERSON.into_iter().map(str::to_owned).collect();
        if matches!(profile, Profile::New(_)) {
            flags.extend(NEW.into_iter().map(str::to_owned));
        }
        flags.extend(proxy.map(|proxy| format!("--proxy-server={proxy}")));
        flags.extend((!sandboxed).then(|| "--no-sandbox".to_owned()));
        Self { program, profile, flags, page }
    }
}

/// A running browser.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// The profile that is removed at the end.
    profile: Option<PathBuf>,
}

impl Process {
    /// Starts a browser; returns it with the two ends of its pipe.
    pub(super) fn start(launch: &Launch<'_>) -> std::io::Result<(Self, ChildStdin, ChildStdout)> {
        let (script, directory, removed) = match launch.profile {
            Profile::New(directory) => {
                make_private(directory)?;
                (SCRIPT, directory, Some(directory.to_owned()))
            }
            Profile::OfPerson(directory) => (KEEPING_SCRIPT, directory, None),
        };
        let mut command = Command::new("sh");
        command.arg("-c").arg(script).arg("browser").arg(directory).arg(launch.program).args(&launch.flags);
        let mut user_data = OsStr::new("--user-data-dir=").to_owned();
        user_data.push(directory);
        command.arg(user_data).arg(launch.page);
        if removed.is_some() {
            // What else it writes goes with the profile, too.
            keep_display_access(&mut command);
            command.env("HOME", directory).env_remove("XDG_CONFIG_HOME").env_remove("XDG_CACHE_HOME");
            if directory.as_os_str().len() <= LONGEST_FOR_SOCKET {
                command.env("TMPDIR", directory);
            }
        }
        without_credentials(&mut command);
        // A signal for this process is not for the browser.
        #[cfg(unix)]
        command.process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let ends = child.stdin.take().zip(child.stdout.take());
        let (to, from) = ends.ok_or_else(|| std::io::Error::other("the browser has no pipe"))?;
        Ok((Self { child, profile: removed }, to, from))
    }

    /// Waits for the end of a browser whose pipe was closed, and makes sure of it.
    pub(super) async fn end(mut self) {
        if tokio::time::timeout(ENDING, self.child.wait()).await.is_err() {
            if let Some(id) = self.child.id() {
                // The whole group, which is the browser's alone.
                let group = format!("-{id}");
                let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status().await;
            }
            let _ = self.child.wait().await;
        }
        if let Some(profile) = &self.profile {
            let _ = std::fs::remove_dir_all(profile);
        }
    }
}

/// A window needs the key of its display, which is in the user's home unless the environment says otherwise.
fn keep_display_access(command: &mut Command) {
    let usual = std::env::var_os("HOME").map(|home| Path::new(&home).join(".Xauthority"));
    if let Some(file) = usual.filter(|file| std::env::var_os("XAUTHORITY").is_none() && file.is_file()) {
        command.env("XAUTHORITY", file);
    }
}

/// The credentials of the run are nothing that a browser needs.
fn without_credentials(command: &mut Command) {
    let own = std::env::vars_os().map(|(name, _)| name);
    own.filter(|name| name.to_string_lossy().starts_with("BPCONFORM_")).for_each(|name| {
        command.env_remove(name);
    });
}

#[cfg(unix)]
fn make_private(directory: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().mode(0o700).create(directory)
}

#[cfg(not(unix))]
fn make_private(_: &Path) -> std::io::Result<()> {
    Err(std::io::Error::other("a browser can be driven on Linux and macOS only"))
}
