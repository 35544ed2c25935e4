//! Pages that are not as they are documented: another language, another control, a page error. What could not be done is an
//! error that names the page and its controls, and never a wrong configuration.

use super::{has_browser, moved, nothing_is_left, record, run_at, scenarios};
use crate::support::proxy::{Act, Proxy};
use crate::support::{Mock, is_left_out, sample};

/// What changes an answer: from the request, its headers and its body.
pub(super) type Change = fn(&str, &mut String, &mut String);

/// Checks the health of the IMS configuration on an Author whose console is changed like this; returns the one scenario
/// that did it: its verdict and its reason.
pub(super) fn health(name: &str, change: Change) -> (String, String) {
    let mock = moved(name, "configured");
    let proxy = proxy_of_console(&mock, change);
    judged(&mock, &proxy, name)
}

/// Fails unless that health check passes.
pub(super) fn passes(name: &str, change: Change) {
    let (verdict, reason) = health(name, change);
    assert_eq!(verdict, "passed", "{name}: {reason}");
}

/// A proxy that changes the console of the IMS configurations.
pub(super) fn proxy_of_console(mock: &Mock, change: Change) -> Proxy {
    Proxy::start(mock.url("author"), move |request| {
        if request.contains("/adobeims-configuration/") { Act::Rewrite(change) } else { Act::Pass }
    })
}

/// The verdict and the reason of the health check on an Author behind that proxy.
pub(super) fn judged(mock: &Mock, proxy: &Proxy, name: &str) -> (String, String) {
    let name_of_it = "--name=The health check retrieves a token";
    let flags = ["--via", "auto", "--allow", "probe", "--requirement", "BP-IMS-02", "-q", name_of_it];
    let (told, folder) = run_at(mock, &proxy.url, name, &flags);
    let record = record(&folder);
    nothing_is_left(&folder);
    let verdicts = ["passed", "failed", "error", "skipped"].into_iter();
    let mut found =
        verdicts.flat_map(|it| scenarios(&record, it).into_iter().map(move |(_, why)| (it.to_owned(), why)));
    let found = found.find(|(verdict, _)| verdict != "skipped");
    found.unwrap_or_else(|| panic!("{name}: {}", told.all()))
}

fn errs(name: &str, change: Change, words: &[&str]) {
    let (verdict, reason) = health(name, change);
    assert_eq!(verdict, "error", "{name}: {reason}");
    for word in words {
        assert!(reason.contains(word), "{name}: {word} in {reason}");
    }
}

#[test]
fn a_label_in_another_language_is_the_same_control() {
    if !has_browser() {
        return;
    }
    let labels = vec![
        ("german", (|_, _, body| *body = body.replace("Check Health", "Zustand überprüfen")) as Change),
        ("japanese", |_, _, body| *body = body.replace("Check Health", "ヘルスチェック")),
        ("marked", |_, _, body| *body = body.replace(">Check Health<", ">  CHECK HEALTH <")),
    ];
    for (name, change) in sample("labels of a control", labels, 1) {
        passes(name, change);
    }
}

#[test]
fn a_control_that_cannot_be_used_is_an_error_that_says_what_is_there_instead() {
    if is_left_out("control that cannot be used") {
        return;
    }
    if !has_browser() {
        return;
    }
    let renamed: Change = |_, _, body| *body = body.replace("Check Health", "Examine");
    let no_item: Change = |_, _, body| *body = body.replace("<article", "<div").replace("</article", "</div");
    let disabled: Change =
        |_, _, body| *body = body.replace("<button type=\"submit\">Check Health", "<button disabled>Check Health");
    let twice: Change = |_, _, body| {
        *body = body.replace(">Check Health</button>", ">Check Health</button><button>Check Health</button>");
    };
    let cover: Change = |_, _, body| {
        *body = body
            .replace("</body>", "<div id=cover style='position:fixed;inset:0;background:#0008'>Welcome</div></body>");
    };
    let all = vec![
        ("renamed", renamed, &["Adobe IMS Configurations", "\"Check Health\"", "button \"Examine\""][..]),
        ("no-item", no_item, &["shows 0 items"]),
        ("disabled", disabled, &["only a disabled"]),
        ("twice", twice, &["has 2 of one name"]),
        ("covered", cover, &["covered by div#cover"]),
    ];
    for (name, change, words) in sample("controls that cannot be used", all, 2) {
        errs(name, change, words);
    }
}

#[test]
fn a_dialog_that_comes_late_is_waited_for() {
    if !has_browser() {
        return;
    }
    let late = |_: &str, _: &mut String, body: &mut String| {
        let script = "<script>const all = document.querySelectorAll('article'); all.forEach((it) => it.remove()); \
            setTimeout(() => all.forEach((it) => document.querySelector('h1').after(it)), 5000)</script></body>";
        *body = body.replace("</body>", script);
    };
    passes("late", late);
}

#[test]
fn an_unhealthy_word_on_the_page_is_never_green() {
    if !has_browser() {
        return;
    }
    // The result page of the check reports a failure.
    let mock = moved("toast", "configured");
    let proxy = Proxy::start(mock.url("author"), |request| {
        let denies: Change =
            |_, _, body| *body = body.replace("Token retrieved successfully!", "Token request failed with an error");
        if request.contains("/mnt/overlay/x/ims/check") { Act::Rewrite(denies) } else { Act::Pass }
    });
    let (verdict, reason) = judged(&mock, &proxy, "toast");
    assert_eq!(verdict, "error", "{reason}");
}

#[test]
fn a_page_error_and_the_end_of_the_session_are_errors() {
    const BROKEN: &str =
        "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<h1>Oops</h1>";
    const LOGIN: &str = "HTTP/1.1 302 Found\r\nLocation: /libs/granite/core/content/login.html?resource=%2F\r\nContent-Length: 0\r\n\
        Connection: close\r\n\r\n";
    if !has_browser() {
        return;
    }
    let answers = vec![("broken", BROKEN, "answered 500"), ("ended", LOGIN, "login page")];
    for (name, answer, word) in sample("answers in place of a page", answers, 1) {
        let mock = moved(name, "configured");
        let proxy = Proxy::start(mock.url("author"), move |request| {
            if request.contains("/adobeims-configuration/") { Act::Answer(answer) } else { Act::Pass }
        });
        let (verdict, reason) = judged(&mock, &proxy, name);
        assert_eq!(verdict, "error", "{name}: {reason}");
        assert!(reason.contains(word), "{name}: {reason}");
    }
}

#[test]
fn what_a_page_sends_by_itself_never_leaves_the_browser() {
    if !has_browser() {
        return;
    }
    let mock = moved("busy", "configured");
    let busy: Change = |_, _, body| {
        let script = "<script>fetch('/home/users/a/preferences', { method: 'POST', body: 'tour=false' });\
            fetch('/etc/replication/agents.author/mp_replication_agent0_default_bpdoc.test.html');\
            navigator.sendBeacon('/beacon', 'x'); new WebSocket('ws://' + location.host + '/socket');\
            fetch('/system/sling/logout.html'); new Image().src = 'http://127.0.0.1:9/x.png'; window.open('/popup');\
            fetch('http://elsewhere.localhost/y'); new Worker(URL.createObjectURL(new Blob([\"fetch('\" + location.origin + \
            \"/worker', { method: 'PUT' })\"])))</script></body>";
        *body = body.replace("</body>", script);
    };
    let proxy = Proxy::start(mock.url("author"), move |request| {
        if request.contains("/adobeims-configuration/") { Act::Rewrite(busy) } else { Act::Pass }
    });
    let flags = ["--via", "auto", "--allow", "probe", "--requirement", "BP-IMS-02", "-q"];
    let (told, folder) = run_at(&mock, &proxy.url, "busy", &flags);
    assert_eq!(told.code, Some(0), "{}", told.all());
    let seen = proxy.seen();
    let writes: Vec<_> = seen.iter().filter(|it| !it.starts_with("GET ") && !it.starts_with("HEAD ")).collect();
    assert!(writes.is_empty(), "{writes:?}");
    for never in [".test.html", "logout", "/socket", "/worker"] {
        assert!(!seen.iter().any(|it| it.contains(never)), "{never}: {seen:?}");
    }
    // What was blocked is evidence.
    let record = record(&folder).to_string();
    for blocked in ["/preferences", "/beacon", "elsewhere.localhost is another host than the Author"] {
        assert!(record.contains(blocked), "{blocked}");
    }
    nothing_is_left(&folder);
}
