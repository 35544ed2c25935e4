//! A shell session in which the commands of one page run, from top to bottom, in a directory of their own.
//!
//! Addresses in the documents are placeholders. In a session they are mocks, and what is printed is translated back:
//!
//! | in the documents | in a session |
//! |---|---|
//! | `https://author.example.com` | a mocked Author, configured as documented |
//! | `https://acme.brand-portal.adobe.com`, `https://ims-na1.adobelogin.com` | its tenant, its IMS |
//! | `https://staging.example.com` | a mocked Author with the defect `agent-disabled` |
//! | `https://acme-staging.brand-portal.adobe.com` | its tenant |
//! | `acme.harness.example.com` | this machine |
//! | ports such as 4502 | free ports |
//! | `NAME=…` for a credential | the credential of the mocks |
//! | `cargo run --release --` | the `bpconform` that is tested |

use std::path::PathBuf;
use std::process::Stdio;

use regex::Regex;

use crate::support::{Mock, command, directory};

/// The Authors and tenants that a document can name, and the flags of the mocks that take their place.
const AUTHORS: [(&str, &str, &[&str]); 2] = [
    ("https://author.example.com", "acme", &[]),
    ("https://staging.example.com", "acme-staging", &["--defect", "agent-disabled"]),
];

/// The placeholder of the host that an operator makes known to an Author.
const ADVERTISED: (&str, &str) = ("acme.harness.example.com", "acme.localhost");

/// The ports that a document can name.
const PORTS: [&str; 7] = ["4502", "4504", "4505", "4506", "4507", "8443", "8444"];

/// `bpconform mock` serves until the page ends; its output goes on until its last line. Other commands run as they are.
const FUNCTIONS: &str = r#"
bpconform() {
  case "$1 $*" in
    *--check*) command bpconform "$@" ;;
    "mock "*)
      exec {served}< <(exec bpconform-itself "$@" 2>&1); mocks="$mocks $!"
      while IFS= read -r -u "$served" line; do
        printf '%s\n' "$line"
        case $line in "-----END PRIVATE KEY-----'"|'{"'*) break ;; esac
      done ;;
    *) command bpconform "$@" ;;
  esac
}
trap 'kill $mocks 2>/dev/null; wait' EXIT
"#;

/// A mark before the output of each command, and after it with the exit code.
const MARK: &str = "<<<bpconform-documents>>>";

/// The beginning of a warning that concerns only the password of the mocks.
const WEAK_PASSWORD: &str = "warning: the value of BPCONFORM_AUTHOR_PASSWORD is shorter than";

/// The session of one page.
pub(super) struct Session {
    directory: PathBuf,
    mocks: Vec<Mock>,
    /// What a document says, and what it is in the session.
    names: Vec<(String, String)>,
}

impl Session {
    /// A session for a page with this text; starts the mocks that the page names.
    pub(super) fn new(page: &str, text: &str) -> Self {
        let directory = directory(&format!("document-{page}"));
        let bin = directory.join("bin");
        std::fs::create_dir(&bin).expect("a new directory");
        for name in ["bpconform", "bpconform-itself"] {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_bpconform"), bin.join(name)).expect("a new link");
        }
        let (mut mocks, mut names) = (Vec::new(), Vec::new());
        for (author, tenant, flags) in AUTHORS.iter().filter(|(author, ..)| text.contains(author)) {
            let mock = Mock::with(&[&["--tenant-id", tenant], *flags].concat());
            names.push(((*author).to_owned(), mock.url("author").to_owned()));
            names.push((format!("https://{tenant}.brand-portal.adobe.com"), mock.url("tenant").to_owned()));
            names.push(("https://ims-na1.adobelogin.com".to_owned(), mock.url("ims").to_owned()));
            mocks.push(mock);
        }
        names.push((ADVERTISED.0.to_owned(), ADVERTISED.1.to_owned()));
        let ports = PORTS.iter().filter(|port| text.contains(*port));
        names.extend(ports.map(|port| ((*port).to_owned(), free_port().to_string())));
        Self { directory, mocks, names }
    }

    /// A command that writes a file.
    pub(super) fn writing(file: &str, text: &str) -> String {
        format!("cat > {file} <<'END-OF-FILE'\n{text}\nEND-OF-FILE")
    }

    /// Runs commands one after the other; the exit code and the output of each.
    pub(super) fn run<'a>(&self, commands: impl Iterator<Item = &'a str>) -> Vec<(i32, String)> {
        let mut script = FUNCTIONS.to_owned();
        for command in commands {
            script.push_str(&format!("echo '{MARK}'; {{ {}\n}} 2>&1; echo \"{MARK}$?\"\n", self.placed(command)));
        }
        std::fs::write(self.directory.join("bin/script"), script).expect("a new file");
        let work = self.directory.join("work");
        std::fs::create_dir(&work).expect("a new directory");
        let path = std::env::var("PATH").unwrap_or_default();
        let output = command(&[])
            .get_envs()
            .fold(&mut std::process::Command::new("bash"), |shell, (name, value)| match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            })
            .arg("../bin/script")
            .current_dir(work)
            .env("PATH", format!("{}:{path}", self.directory.join("bin").display()))
            .env("NO_PROXY", "*")
            .stdin(Stdio::null())
            .output()
            .expect("bash runs");
        self.outputs(&String::from_utf8_lossy(&output.stdout))
    }

    /// The exit codes and outputs between the marks.
    fn outputs(&self, printed: &str) -> Vec<(i32, String)> {
        let mut outputs = Vec::new();
        for part in printed.split(&format!("{MARK}\n")).skip(1) {
            let (out, code) = part.rsplit_once(MARK).unwrap_or((part, "-1"));
            outputs.push((code.trim().parse().unwrap_or(-1), self.displaced(out)));
        }
        outputs
    }

    /// A command with the placeholders of the documents replaced.
    fn placed(&self, command: &str) -> String {
        let mut command = command.replace("cargo run --release -- ", "bpconform ");
        for (name, value) in self.mocks.first().map(Mock::credentials).unwrap_or_default() {
            command = command.replace(&format!("{name}=…"), &format!("{name}='{value}'"));
        }
        let pairs: Vec<_> = self.names.iter().map(|(document, real)| (document.as_str(), real.as_str())).collect();
        replaced(&command, &pairs)
    }

    /// Output with what the documents say in place of the real addresses and ports, and without the warning that the
    /// password of the mocks is weak.
    fn displaced(&self, out: &str) -> String {
        let weak = |line: &&str| line.starts_with(WEAK_PASSWORD);
        let out: String = out.split_inclusive('\n').filter(|line| !weak(line)).collect();
        let pairs: Vec<_> = self.names.iter().map(|(document, real)| (real.as_str(), document.as_str())).collect();
        replaced(&out, &pairs)
    }
}

/// A text in which each first one is replaced by its second one, in one pass: a free port may contain the digits of another.
fn replaced(text: &str, pairs: &[(&str, &str)]) -> String {
    let all = pairs.iter().map(|(from, _)| regex::escape(from)).collect::<Vec<_>>().join("|");
    let to = |found: &str| pairs.iter().find(|(from, _)| *from == found).map_or("", |(_, to)| to).to_owned();
    Regex::new(&all).expect("escaped texts").replace_all(text, |found: &regex::Captures<'_>| to(&found[0])).into_owned()
}

/// A port that nothing listens at, below those that mocks take and that the system gives away by itself.
fn free_port() -> u16 {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 12_000 + u16::try_from(std::process::id() % 7_000).expect("less than 7,000");
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed);
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
