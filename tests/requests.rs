//! The list of requests that the user guide shows is what runs really send, at each level.

use regex::Regex;

use crate::support::proxy::{Act, Proxy};
use crate::support::{Mock, bpconform, with_credentials};

/// One request of the list, with the level from which it may be sent.
struct Listed {
    level: usize,
    system: String,
    method: String,
    path: Regex,
    query: Vec<String>,
}

const LEVELS: [&str; 3] = ["observe", "probe", "change"];

fn listed() -> Vec<Listed> {
    let told = bpconform(&["surface", "show", "--format", "markdown"]);
    assert_eq!(told.code, Some(0), "{}", told.err);
    let request = Regex::new(r"`([A-Z]+) ([^`?]+)\??([^`]*)`").expect("a pattern");
    let (mut level, mut found) = (0, Vec::new());
    for line in told.out.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            level = LEVELS.iter().position(|level| heading.contains(level)).unwrap_or(0);
        }
        let system = line.trim_start_matches("| ").split(" |").next().unwrap_or_default();
        for captured in request.captures_iter(line) {
            found.push(Listed {
                level,
                system: system.to_owned(),
                method: captured[1].to_owned(),
                path: path_pattern(&captured[2]),
                query: captured[3].split('&').filter(|pair| !pair.is_empty()).map(str::to_owned).collect(),
            });
        }
    }
    assert!(found.len() > 40, "{}", told.out);
    found
}

/// `{name}` stands for one part of a path, `{*name}` for one or more.
fn path_pattern(path: &str) -> Regex {
    let placeholder = Regex::new(r"\\\{(\\\*)?[^}]*\\\}").expect("a pattern");
    let escaped = regex::escape(path);
    let pattern = placeholder.replace_all(
        &escaped,
        |found: &regex::Captures<'_>| {
            if found.get(1).is_some() { ".+" } else { "[^/]+" }
        },
    );
    Regex::new(&format!("^{pattern}$")).expect("a pattern")
}

impl Listed {
    fn allows(&self, level: usize, system: &str, request: &str) -> bool {
        let (method, target) = request.split_once(' ').expect("method and path");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = query.replace("%2F", "/");
        self.level <= level
            && self.system.eq_ignore_ascii_case(system)
            && (self.method == method || method == "HEAD" && self.method == "GET")
            && self.path.is_match(path)
            && self.query.iter().all(|pair| query.split('&').any(|sent| sent == pair))
    }
}

#[test]
fn a_run_sends_only_what_the_list_of_its_level_shows() {
    let listed = listed();
    for (level, allow) in LEVELS.iter().enumerate() {
        let mock = Mock::start("configured");
        let systems = ["author", "ims", "console", "tenant"];
        let proxies = systems.map(|system| Proxy::start(mock.url(system), |_| Act::Pass));
        let urls = proxies.each_ref().map(|proxy| proxy.url.as_str());
        let target = ["run", "--target", "author", "--quiet", "--author-url", urls[0], "--ims-url", urls[1]];
        let more = ["--console-url", urls[2], "--tenant-url", urls[3], "--allow", allow];
        let mut arguments = [&target[..], &more].concat();
        if *allow == "change" {
            arguments.push("--replace-configuration");
        }
        let told = with_credentials(&mock, &arguments);
        assert!(matches!(told.code, Some(0 | 1)), "{allow}: {}", told.all());
        for (proxy, system) in proxies.iter().zip(["Author", "IMS", "Developer Console", "tenant"]) {
            // The Author's agents deliver on their own; only what the run itself sends is in the list.
            for request in proxy.seen().into_iter().filter(|it| !it.starts_with("POST /bin/receive?")) {
                let shown = listed.iter().any(|one| one.allows(level, system, &request));
                assert!(shown, "{allow}: {system}: {request} is not in the list");
            }
        }
    }
}

#[test]
fn a_requirement_is_a_page_of_the_guide() {
    let told = bpconform(&["explain", "BP-REP-03", "--format", "markdown"]);
    assert_eq!(told.code, Some(0), "{}", told.all());
    insta::with_settings!({ prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("explain_markdown", told.out);
    });
}
