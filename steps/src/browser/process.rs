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

/// The flags of every browser. It has no network: for every host, this machine included, it has a proxy on a closed port. A
/// request that is not answered through DevTools never leaves.
const FLAGS: [&str; 22] = [
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

/// How long a browser may take to end by itself.
const ENDING: Duration = Duration::from_secs(10);

/// The program that is installed on this machine, if any.
pub(super) fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let named = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    named.chain(APPLICATIONS.iter().map(PathBuf::from)).find(|program| program.is_file())
}

/// How a browser is started.
#[derive(Clone, Debug)]
pub(super) struct Launch<'a> {
    pub(super) program: &'a Path,
    /// A directory that does not exist yet.
    pub(super) profile: &'a Path,
    pub(super) headed: bool,
    pub(super) sandboxed: bool,
}

/// A running browser.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    profile: PathBuf,
}

impl Process {
    /// Starts a browser; returns it with the two ends of its pipe.
    pub(super) fn start(launch: &Launch<'_>) -> std::io::Result<(Self, ChildStdin, ChildStdout)> {
        make_private(launch.profile)?;
        let mut command = Command::new("sh");
        command.arg("-c").arg(SCRIPT).arg("browser").arg(launch.profile).arg(launch.program).args(FLAGS);
        let mut directory = OsStr::new("--user-data-dir=").to_owned();
        directory.push(launch.profile);
        command.arg(directory);
        if !launch.headed {
            command.arg("--headless=new");
        }
        if !launch.sandboxed {
            command.arg("--no-sandbox");
        }
        command.arg("about:blank");
        // What else it writes goes with the profile, too. A signal for this process is not for the browser.
        command.env("HOME", launch.profile);
        command.env_remove("XDG_CONFIG_HOME").env_remove("XDG_CACHE_HOME");
        without_credentials(&mut command);
        #[cfg(unix)]
        command.process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let ends = child.stdin.take().zip(child.stdout.take());
        let (to, from) = ends.ok_or_else(|| std::io::Error::other("the browser has no pipe"))?;
        Ok((Self { child, profile: launch.profile.to_owned() }, to, from))
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
        let _ = std::fs::remove_dir_all(&self.profile);
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
