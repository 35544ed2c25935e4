//! What a page shows after its request, and what the request was answered with. Only what is new on the page counts, and only
//! if the answer does not say otherwise.

use super::pages::{Change, health, judged, passes, proxy_of_console};
use super::{has_browser, moved, nothing_is_left, record, run_at, scenarios};
use crate::support::proxy::{Act, Proxy};
use crate::support::{is_left_out, sample};

/// The health check as a script of the console: the answer does not become the page. `SHOW` is done with its text.
const BY_SCRIPT: &str = "<div id=told></div><script>document.addEventListener('submit', (event) => {
  event.preventDefault();
  const form = event.target, query = new URLSearchParams(new FormData(form));
  fetch(form.action + '?' + query).then((reply) => reply.text()).then((text) => { SHOW });
}, true)</script></body>";

const RESTLESS: &str = "setInterval(() => { document.getElementById('told').innerText = Math.random() }, 100)";

const HEALTHY: &str = "document.getElementById('told').innerHTML = '<h2>Healthy configuration</h2><p>TITLE: Token retrieved \
    successfully!</p>'";

/// The same in a dialog with controls, whose labels are not part of the result.
const HEALTHY_DIALOG: &str = "document.getElementById('told').innerHTML = '<dialog><nav>Tools</nav><h2>Healthy \
    configuration</h2><p>TITLE: Token retrieved successfully!</p>MORE<a href=#>Zur Liste</a> <button>Close</button> \
    <button>Copy details</button></dialog>'; document.querySelector('#told dialog').showModal()";

fn by_script(body: &mut String, before: &str, show: &str) {
    let title = body.split("<h2>").nth(1).and_then(|rest| rest.split("</h2>").next()).unwrap_or_default().to_owned();
    let script = BY_SCRIPT.replace("SHOW", show).replace("<div id=told></div>", before).replace("TITLE", &title);
    *body = body.replace("</body>", &script);
}

/// Shows the success in a dialog, with more in it, and does more then.
fn shows(body: &mut String, more: &str, script: &str) {
    let show = format!("{}; {script}", HEALTHY_DIALOG.replace("MORE", more));
    by_script(body, "<div id=told></div>", &show);
}

fn errs(name: &str, change: Change, word: &str) {
    let (verdict, reason) = health(name, change);
    assert_eq!(verdict, "error", "{name}: {reason}");
    assert!(reason.contains(word) && reason.contains("Check Health"), "{name}: {reason}");
}

#[test]
fn what_a_script_shows_counts_as_the_result() {
    if !has_browser() {
        return;
    }
    let change: Change = |_, _, body| {
        let show = "document.getElementById('told').innerHTML = text";
        by_script(body, "<div id=told></div>", show);
    };
    passes("by-script", change);
}

#[test]
fn a_line_in_unknown_words_beside_the_success_is_never_green() {
    if !has_browser() {
        return;
    }
    // What shares a line with a label was there before.
    passes("controls", |_, _, body| {
        *body = body.replace("</h1>", "</h1><p>Need help? <a href=#>Read the documentation</a></p>");
        shows(body, "", "");
    });
    let others: Vec<(_, Change)> = vec![
        ("other-line", |_, _, body| shows(body, "<p>Le jeton est inutilisable.</p>", "")),
        ("other-part", |_, _, body| shows(body, "<p>Le jeton est inutilisable : <button>voir</button></p>", "")),
        ("failed-label", |_, _, body| shows(body, "<a href=#>The token request failed: invalid_client</a>", "")),
        ("script-dialog", |_, _, body| shows(body, "", "alert('Le jeton est inutilisable')")),
        ("shadow", |_, _, body| {
            let script = "document.querySelector('#told h2').attachShadow({ mode: 'open' }).innerHTML = \
                '<slot></slot><p>Le jeton est inutilisable.</p>'";
            shows(body, "", script);
        }),
        ("toast-beside", |_, _, body| {
            let toast =
                "document.body.insertAdjacentHTML('beforeend', '<div role=alert>Le jeton est inutilisable</div>')";
            shows(body, "", toast);
        }),
    ];
    for (name, change) in sample("lines beside the success", others, 1) {
        errs(name, change, "alone");
    }
}

#[test]
fn a_toast_that_comes_late_and_after_another_is_waited_for() {
    if !has_browser() {
        return;
    }
    let change: Change = |_, _, body| {
        let show = "const told = document.getElementById('told'); told.textContent = 'One moment please'; \
            setTimeout(() => { told.innerHTML = text }, 5000)";
        by_script(body, "<div id=told></div>", show);
    };
    passes("late-toast", change);
}

#[test]
fn frames_and_windows_are_not_the_page() {
    if !has_browser() {
        return;
    }
    // Both answer 404, and the window is opened by the click of a person.
    let change: Change = |_, _, body| {
        let script = "<iframe src=/no/such/frame></iframe><script>document.querySelector('article button')\
            .addEventListener('click', () => window.open('/no/such/window'))</script></body>";
        *body = body.replace("</body>", script);
    };
    let mock = moved("frames", "configured");
    let proxy = proxy_of_console(&mock, change);
    let (verdict, reason) = judged(&mock, &proxy, "frames");
    assert_eq!(verdict, "passed", "{reason}");
    for other in ["GET /no/such/frame", "GET /no/such/window"] {
        assert!(proxy.seen().iter().any(|it| it == other), "{other}: {:?}", proxy.seen());
    }
}

#[test]
fn a_toast_that_never_comes_is_an_error() {
    if is_left_out("toast that never comes") {
        return;
    }
    if !has_browser() {
        return;
    }
    errs("no-toast", |_, _, body| by_script(body, "<div id=told></div>", ""), "shows nothing new after its request");
    let change: Change = |_, _, body| by_script(body, "<div id=told></div>", RESTLESS);
    errs("restless", change, "keeps changing after its request");
}

#[test]
fn a_page_that_hangs_is_an_error() {
    if is_left_out("page that hangs") {
        return;
    }
    if !has_browser() {
        return;
    }
    // It waits for answers that never come: a loop that computes would take a processor from the other tests.
    let change: Change = |_, _, body| {
        let script = "<script>for (;;) try { const ask = new XMLHttpRequest(); ask.open('GET', '/never', false); ask.send() } \
            catch {}</script></body>";
        *body = body.replace("</body>", script);
    };
    let mock = moved("hangs", "configured");
    let (lost, _asked) = std::sync::mpsc::channel();
    let proxy = Proxy::start(mock.url("author"), move |request| match request {
        _ if request.contains("/adobeims-configuration/") => Act::Rewrite(change),
        _ if request.contains("/never") => Act::Lose(lost.clone()),
        _ => Act::Pass,
    });
    let (verdict, reason) = judged(&mock, &proxy, "hangs");
    assert_eq!(verdict, "error", "{reason}");
    assert!(reason.contains("the browser did not answer") && reason.contains("Check Health"), "{reason}");
}

/// Publishes on an Author that answers the request of the page like this; returns the errors. Nothing has failed.
fn publishing(name: &str, requirement: &str, judge: impl Fn(&str) -> Act + Send + Sync + 'static) -> Vec<String> {
    let mock = moved(name, "configured");
    let proxy = Proxy::start(mock.url("author"), judge);
    let flags = ["--via", "auto", "--allow", "change", "--requirement", requirement, "-q"];
    let (_, folder) = run_at(&mock, &proxy.url, name, &flags);
    let record = record(&folder);
    nothing_is_left(&folder);
    assert_eq!(scenarios(&record, "failed"), [], "{name}");
    scenarios(&record, "error").into_iter().map(|(_, reason)| reason).collect()
}

#[test]
fn a_session_that_ends_before_a_change_is_never_a_failure() {
    const LOGIN: &str = "HTTP/1.1 302 Found\r\nLocation: /libs/granite/core/content/login.html?resource=%2F\r\nContent-Length: 0\r\n\
        Connection: close\r\n\r\n";
    const DENIED: &str = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    const SHOWN: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n\
        <form action=/libs/granite/core/content/login.html/j_security_check><input name=j_username></form>";
    if is_left_out("session that ends before a change") || !has_browser() {
        return;
    }
    let answers = vec![("change-ended", LOGIN), ("change-denied", DENIED), ("change-shown", SHOWN)];
    for (name, answer) in sample("answers to a change whose session has ended", answers, 1) {
        let errors = publishing(name, "BP-PUB-05", move |request| {
            if request.contains("/mnt/overlay/x/bp/publish") { Act::Answer(answer) } else { Act::Pass }
        });
        assert!(
            !errors.is_empty() && errors.iter().all(|it| it.contains("Publish to Brand Portal")),
            "{name}: {errors:?}"
        );
    }
}

#[test]
fn publishing_without_a_toast_is_never_a_failure() {
    if is_left_out("publishing without a toast") {
        return;
    }
    if !has_browser() {
        return;
    }
    let change: Change = |_, _, body| {
        let script = "<script>document.addEventListener('submit', (event) => { event.preventDefault(); \
            fetch(event.target.action, { method: 'POST', body: new URLSearchParams(new FormData(event.target)) }) \
            }, true)</script></body>";
        *body = body.replace("</body>", script);
    };
    let errors = publishing("publish-no-toast", "BP-PUB-01", move |request| {
        if request.starts_with("GET /assets.html") { Act::Rewrite(change) } else { Act::Pass }
    });
    assert!(errors.iter().any(|it| it.contains("queued")), "{errors:?}");
}

#[test]
fn what_the_page_showed_before_is_not_the_result() {
    if is_left_out("earlier result on a page") {
        return;
    }
    if !has_browser() {
        return;
    }
    // The result of an earlier check: on the page, and in the dialog of the check.
    let on_page: Change = |_, _, body| {
        let told = "<div id=told><h2>Healthy configuration</h2><p>TITLE: Token retrieved successfully!</p></div>";
        by_script(body, told, "");
    };
    errs("stale", on_page, "shows nothing new after its request");
    let in_dialog: Change = |_, _, body| {
        let told = "<dialog id=told><h2>Healthy configuration</h2><p>TITLE: Token retrieved successfully!</p>\
            <button id=go>Check</button></dialog>";
        by_script(body, told, "");
        let script = "<script>const form = document.querySelector('article form'); \
            const button = document.querySelector('article button'); button.type = 'button'; \
            button.onclick = () => document.getElementById('told').showModal(); \
            document.getElementById('go').onclick = () => form.requestSubmit()</script></body>";
        *body = body.replace("</body>", script);
    };
    errs("stale-dialog", in_dialog, "shows nothing new after its request");
}

#[test]
fn an_answer_that_says_otherwise_outweighs_the_page() {
    if !has_browser() {
        return;
    }
    let mock = moved("contradicts", "configured");
    let console: Change = |_, _, body| by_script(body, "<div id=told></div>", HEALTHY);
    let answer: Change = |_, head, body| {
        *head = head.replace("text/html", "application/json");
        *body = "{\"success\":false,\"error\":\"invalid_client\"}".to_owned();
    };
    let proxy = Proxy::start(mock.url("author"), move |request| {
        if request.contains("/adobeims-configuration/") {
            Act::Rewrite(console)
        } else if request.contains("/mnt/overlay/x/ims/check") {
            Act::Rewrite(answer)
        } else {
            Act::Pass
        }
    });
    let (verdict, reason) = judged(&mock, &proxy, "contradicts");
    assert_eq!(verdict, "error", "{reason}");
    assert!(reason.contains("says otherwise"), "{reason}");
}

#[test]
fn a_session_that_ends_half_way_and_a_broken_answer_are_errors() {
    const LOGIN: &str = "HTTP/1.1 302 Found\r\nLocation: /libs/granite/core/content/login.html?resource=%2F\r\nContent-Length: 0\r\n\
        Connection: close\r\n\r\n";
    const DENIED: &str = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    const BROKEN: &str = "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\
        Connection: close\r\n\r\n<h1>Oops</h1>";
    if !has_browser() {
        return;
    }
    let answers = vec![("half-way", LOGIN, "login"), ("denied", DENIED, "403"), ("broken-answer", BROKEN, "500")];
    for (name, answer, word) in sample("answers to a check whose session has ended", answers, 1) {
        let mock = moved(name, "configured");
        let proxy = Proxy::start(mock.url("author"), move |request| {
            if request.contains("/mnt/overlay/x/ims/check") { Act::Answer(answer) } else { Act::Pass }
        });
        let (verdict, reason) = judged(&mock, &proxy, name);
        assert_eq!(verdict, "error", "{name}: {reason}");
        assert!(reason.contains(word) && reason.contains("Check Health"), "{name}: {reason}");
    }
}

#[test]
fn the_reason_for_a_missing_page_is_that_of_the_run() {
    if !has_browser() {
        return;
    }
    let mock = moved("no-answer", "configured");
    let proxy = Proxy::start(mock.url("author"), |request| {
        if request.contains("/adobeims-configuration/") { Act::Answer("") } else { Act::Pass }
    });
    let (verdict, reason) = judged(&mock, &proxy, "no-answer");
    assert_eq!(verdict, "error", "{reason}");
    assert!(!reason.contains("net::ERR"), "{reason}");
}

#[test]
fn two_requests_that_name_the_same_are_an_error() {
    if !has_browser() {
        return;
    }
    let mock = moved("ambiguous", "fresh");
    let change: Change = |_, _, body| {
        let script =
            "<script>document.querySelectorAll('form').forEach((form) => form.addEventListener('submit', (event) => {
              if (form.querySelector('[name=x-checked]')) return;
              event.preventDefault();
              const title = [...form.querySelectorAll('label')].find((it) => it.innerText.trim() === 'Title');
              const body = new URLSearchParams({ name: title.querySelector('input').value });
              const mark = Object.assign(document.createElement('input'), { type: 'hidden', name: 'x-checked' });
              fetch('/bin/is-free', { method: 'POST', body }).finally(() => { form.append(mark); form.submit(); });
            }))</script></body>";
        *body = body.replace("</body>", script);
    };
    let proxy = proxy_of_console(&mock, change);
    let flags = ["--via", "auto", "--allow", "change", "--requirement", "BP-IMS-01", "-q"];
    let (_, folder) = run_at(&mock, &proxy.url, "ambiguous", &flags);
    let record = record(&folder);
    nothing_is_left(&folder);
    assert_eq!(scenarios(&record, "failed"), []);
    let errors = scenarios(&record, "error");
    assert!(errors.iter().any(|(_, reason)| reason.contains("more than one request that names")), "{errors:?}");
    assert!(!mock.repository().to_string().contains("bpconform-"), "everything is undone");
}

#[test]
fn nothing_is_learned_from_an_action_that_did_not_pass() {
    if !has_browser() {
        return;
    }
    let mock = moved("unlearned", "configured");
    let denies: Change = |_, _, body| *body = body.replace("Token retrieved successfully!", "Something else");
    let proxy = Proxy::start(mock.url("author"), move |request| {
        if request.contains("/mnt/overlay/x/ims/check") { Act::Rewrite(denies) } else { Act::Pass }
    });
    let file = crate::support::directory("unlearned").join("learned.toml");
    let file = file.to_str().expect("UTF-8");
    let flags = ["--via", "auto", "--allow", "probe", "--requirement", "BP-IMS-02", "-q", "--learn", file];
    let (told, folder) = run_at(&mock, &proxy.url, "unlearned", &flags);
    nothing_is_left(&folder);
    let learned = std::fs::read_to_string(file).unwrap_or_default();
    assert!(!learned.contains("/mnt/overlay/x/ims/check"), "{learned}\n{}", told.all());
}
