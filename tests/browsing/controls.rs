//! Where the controls of a page are: in a toolbar, in a dialog, under another name, behind something.

use super::pages::{Change, health, passes, proxy_of_console};
use super::{has_browser, moved, nothing_is_left, record, run_at, scenarios};
use crate::support::proxy::{Act, Proxy};
use crate::support::{is_left_out, sample};

/// Moves Check Health out of its card into a toolbar, which checks what is selected.
const TOOLBAR: &str = "<script>const bar = document.createElement('div'); document.querySelector('h1').after(bar);
const button = document.querySelector('article button'); bar.append(button); button.type = 'button';
document.querySelectorAll('article').forEach((card) => {
  const box = Object.assign(document.createElement('input'), { type: 'checkbox', ariaLabel: 'Select' });
  card.prepend(box);
});
const form = () => document.querySelector('article:has(input:checked) form');
button.onclick = () => form() && form().requestSubmit();</script></body>";

#[test]
fn a_control_outside_of_the_item_is_found() {
    if !has_browser() {
        return;
    }
    let toolbar: Change = |_, _, body| *body = body.replace("</body>", TOOLBAR);
    let late: Change = |_, _, body| {
        let only_when_selected =
            "bar.hidden = true; document.addEventListener('change', () => { bar.hidden = !form(); });</script></body>";
        *body = body.replace("</body>", &TOOLBAR.replace("</script></body>", only_when_selected));
    };
    let dialog: Change = |_, _, body| {
        let script = "<dialog><h2>Check</h2><button id=go>Check</button></dialog><script>
            const button = document.querySelector('article button'); button.type = 'button';
            button.onclick = () => setTimeout(() => document.querySelector('dialog').showModal(), 2000);
            document.getElementById('go').onclick = () => document.querySelector('article form').requestSubmit();
            </script></body>";
        *body = body.replace("</body>", script);
    };
    let all = vec![("toolbar", toolbar), ("toolbar-late", late), ("in-dialog", dialog)];
    for (name, change) in sample("controls outside of their item", all, 1) {
        passes(name, change);
    }
}

#[test]
fn the_control_of_another_item_is_never_used() {
    if is_left_out("control of another item") {
        return;
    }
    if !has_browser() {
        return;
    }
    let change: Change = |_, _, body| {
        let script = "<script>const card = document.querySelector('article'), other = card.cloneNode(true); \
            card.querySelector('button').remove(); other.removeAttribute('data-pid'); \
            other.querySelector('h2').innerText = 'Another'; \
            other.querySelectorAll('input').forEach((it) => { it.value = 'another'; }); card.after(other)</script></body>";
        *body = body.replace("</body>", script);
    };
    let (verdict, reason) = health("other-item", change);
    assert_eq!(verdict, "error", "{reason}");
    assert!(reason.contains("has no button \"Check Health\""), "{reason}");
}

#[test]
fn a_dialog_that_nobody_expects_is_an_error_that_names_it() {
    if is_left_out("dialog that nobody expects") {
        return;
    }
    if !has_browser() {
        return;
    }
    let change: Change = |_, _, body| {
        let script = "<dialog aria-label='What is new'><button>Later</button></dialog>\
            <script>document.querySelector('dialog').showModal()</script></body>";
        *body = body.replace("</body>", script);
    };
    let (verdict, reason) = health("unexpected", change);
    assert_eq!(verdict, "error", "{reason}");
    for word in ["Adobe IMS Configurations", "Check Health", "What is new"] {
        assert!(reason.contains(word), "{word}: {reason}");
    }
    // A question of a script is refused, and does not stop the steps.
    let asks: Change = |_, _, body| *body = body.replace("</body>", "<script>confirm('Tour?')</script></body>");
    passes("asks", asks);
}

#[test]
fn a_control_with_an_unknown_text_is_found_by_its_documented_id() {
    if is_left_out("control with an unknown text") {
        return;
    }
    if !has_browser() {
        return;
    }
    let mock = moved("by-id", "fresh");
    let change: Change = |_, _, body| {
        *body = body.replace(
            "<button type=\"submit\">Save",
            "<button type=\"submit\" id=\"shell-propertiespage-doneactivator\">Fertig",
        );
    };
    let proxy = Proxy::start(mock.url("author"), move |request| {
        if request.contains("/bp/configurations.html") { Act::Rewrite(change) } else { Act::Pass }
    });
    let flags = ["--via", "browser", "--allow", "change", "--requirement", "BP-CLD-01", "-q"];
    let (told, folder) = run_at(&mock, &proxy.url, "by-id", &flags);
    let record = record(&folder);
    nothing_is_left(&folder);
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert!(!scenarios(&record, "passed").is_empty(), "{}", told.all());
}

#[test]
fn an_option_is_chosen_by_its_whole_text_only() {
    if !has_browser() {
        return;
    }
    let mock = moved("options", "fresh");
    let change: Change = |_, _, body| {
        *body = body.replace(">Adobe Brand Portal</option>", ">Adobe Brand Portal Stage</option>");
        *body = body.replace("<option value=\"Adobe Brand Portal\"", "<option value=\"1\"");
    };
    let proxy = proxy_of_console(&mock, change);
    let flags = ["--via", "auto", "--allow", "change", "--requirement", "BP-IMS-01", "-q"];
    let (_, folder) = run_at(&mock, &proxy.url, "options", &flags);
    let record = record(&folder);
    nothing_is_left(&folder);
    assert_eq!(scenarios(&record, "failed"), []);
    let errors = scenarios(&record, "error");
    assert!(errors.iter().any(|(_, reason)| reason.contains("it offers Adobe Brand Portal Stage")), "{errors:?}");
}

#[test]
fn a_check_writes_nothing_whatever_its_page_sends() {
    if !has_browser() {
        return;
    }
    let mock = moved("writes", "configured");
    let change: Change = |_, _, body| {
        let script = "<script>const id = document.querySelector('article').dataset.pid;
            document.querySelector('article button').addEventListener('click', () => {
              const at = '/apps/system/config/' + id;
              for (const method of ['DELETE', 'PUT', 'PATCH', 'PROPFIND']) fetch(at + '?id=' + id, { method });
              fetch(at, { method: 'POST', body: new URLSearchParams({ ':operation': 'delete', id }) });
              fetch(at, { method: 'POST', body: new URLSearchParams({ clientId: 'x' }) });
              fetch('/x', { method: 'POST', body: id + '-of-another' });
              fetch('/x?id=' + id, { headers: { 'X-HTTP-Method-Override': 'DELETE' } });
              fetch('/bin/replicate.json?path=' + id);
              navigator.sendBeacon('/beacon?id=' + id, 'x');
              fetch('/crx/packmgr/service.jsp?cmd=rm&id=' + id);
              fetch('/etc//replication/agents.author/a.t%65st.html?id=' + id, { method: 'HEAD' });
              fetch('//' + location.host + '/system//sling/logou%74.html?id=' + id);
            });</script></body>";
        *body = body.replace("</body>", script);
    };
    let proxy = proxy_of_console(&mock, change);
    let flags = ["--via", "auto", "--allow", "probe", "--requirement", "BP-IMS-02", "-q"];
    let (_, folder) = run_at(&mock, &proxy.url, "writes", &flags);
    let record = record(&folder);
    nothing_is_left(&folder);
    assert_eq!(scenarios(&record, "failed"), []);
    let seen = proxy.seen();
    let writes: Vec<_> = seen.iter().filter(|it| !it.starts_with("GET ")).collect();
    assert!(writes.is_empty(), "{writes:?}");
    for never in ["cmd=rm", "/bin/replicate", "replication/agents.author/a.", "logou"] {
        assert!(!seen.iter().any(|it| it.contains(never)), "{never}: {seen:?}");
    }
}
