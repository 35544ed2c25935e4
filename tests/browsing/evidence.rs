//! What is left of a run in a browser: pictures, trees, consoles and requests, and no secret in any of them.

use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;

use super::pages::{Change, proxy_of_console};
use super::{has_browser, moved, nothing_is_left, record, run_at};
use crate::support::{bpconform, is_left_out, unzipped};

/// All pages of a record.
fn pages(record: &Value) -> Vec<&Value> {
    let scenarios = record["scenarios"].as_array().expect("a list");
    let steps = scenarios.iter().flat_map(|it| it["steps"].as_array().expect("a list"));
    steps.chain(scenarios).flat_map(|it| it["pages"].as_array().into_iter().flatten()).collect()
}

/// Every file of a run, those in its trace included, as text.
pub(super) fn everything(folder: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("it is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(everything(&path));
            continue;
        }
        let name = path.display().to_string();
        let bytes = std::fs::read(&path).expect("it can be read");
        if name.ends_with(".zip") {
            all.extend(
                unzipped(&bytes).into_iter().map(|(name, it)| (name, String::from_utf8_lossy(&it).into_owned())),
            );
        }
        all.push((name, String::from_utf8_lossy(&bytes).into_owned()));
    }
    all
}

#[test]
fn each_step_in_the_browser_leaves_a_picture_and_a_tree() {
    if !has_browser() {
        return;
    }
    let mock = moved("pictures", "fresh");
    let change: Change = |_, _, body| {
        *body = body.replace("</body>", "<script>console.error('a part of the page is missing')</script></body>");
    };
    let proxy = proxy_of_console(&mock, change);
    let reports = super::temporary("picture-reports");
    let report = |format: &str, file: &str| format!("{format}={}", reports.join(file).display());
    let (html, trace) = (report("html", "report.html"), report("trace", "trace.zip"));
    let flags = ["--via", "auto", "--allow", "change", "--requirement", "BP-IMS-01", "-q"];
    let (told, folder) =
        run_at(&mock, &proxy.url, "pictures", &[&flags[..], &["--report", &html, "--report", &trace]].concat());
    assert_eq!(told.code, Some(0), "{}", told.all());
    let record = record(&folder);
    let pages = pages(&record);
    let steps: Vec<_> = pages.iter().filter_map(|page| page["step"].as_str()).collect();
    assert!(steps.iter().any(|step| step.contains("fill \"Client Secret\"")), "{steps:?}");
    assert!(steps.iter().any(|step| step.contains("press \"Create\"")), "{steps:?}");
    let text = |page: &Value| page["tree"]["text"].as_str().unwrap_or_default().to_owned();
    assert!(pages.iter().any(|page| text(page).contains("- textbox \"Client Secret\"")), "{}", text(pages[0]));
    // What is read of a page without its labels leaves the page, and its picture, as they were.
    let has_labels = |page: &Value| ["- button \"", "- link \""].iter().any(|role| text(page).contains(role));
    for page in &pages {
        assert!(has_labels(page), "{}: {}", page["step"], text(page));
    }
    assert!(pages.iter().any(|page| page["console"].to_string().contains("a part of the page is missing")));
    for page in &pages {
        let picture = page["picture"].as_str().unwrap_or_else(|| panic!("{page}"));
        let bytes = std::fs::read(folder.join("out").join(picture)).expect("the picture is beside the record");
        assert_eq!(&bytes[8..12], b"WEBP");
    }

    let bundle = unzipped(&std::fs::read(reports.join("trace.zip")).expect("written"));
    let names: Vec<_> = bundle.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["trace.json", "exchanges.har", "console.txt", "trees/0001.txt"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let of = |name: &str| bundle.iter().find(|(own, _)| own == name).map(|(_, bytes)| String::from_utf8_lossy(bytes));
    assert!(of("console.txt").is_some_and(|text| text.contains("a part of the page is missing")));
    assert!(of("exchanges.har").is_some_and(|text| text.contains("/mnt/overlay/x/ims/save")));
    assert!(pages.iter().all(|page| names.contains(&page["picture"].as_str().unwrap_or_default())), "{names:?}");
    // Rendered later, they are the same.
    let later = reports.join("later");
    for (format, file) in [("html", "report.html"), ("trace", "trace.zip")] {
        let out = folder.join("out");
        let arguments = ["report", format, out.to_str().expect("UTF-8"), "--out", later.to_str().expect("UTF-8")];
        assert_eq!(bpconform(&arguments).code, Some(0));
        let read = |file: &Path| std::fs::read(file).expect("written");
        assert!(read(&later) == read(&reports.join(file)), "{format} differs");
    }
    let page = std::fs::read_to_string(reports.join("report.html")).expect("written");
    assert!(page.contains("id=\"pictures\"") && page.contains("img-src data:"), "the report shows the pictures");
    std::fs::remove_dir_all(reports).expect("it can be removed");
    nothing_is_left(&folder);
}

#[test]
fn a_run_without_a_directory_shows_pictures_in_its_report() {
    if !has_browser() {
        return;
    }
    let mock = moved("no-directory", "configured");
    let folder = super::temporary("no-directory");
    let page = folder.join("report.html");
    let wanted = format!("html={}", page.display());
    let urls = ["--author-url", mock.url("author"), "--ims-url", mock.url("ims"), "--tenant-url", mock.url("tenant")];
    let flags = ["run", "--target", "author", "--via", "auto", "--allow", "probe", "--requirement", "BP-IMS-02", "-q"];
    let mut variables = mock.credentials();
    variables.extend([("NO_PROXY", "*"), ("TMPDIR", folder.to_str().expect("UTF-8"))]);
    let told = crate::support::bpconform_with(&[&flags[..], &urls, &["--report", &wanted]].concat(), &variables);
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert!(std::fs::read_to_string(&page).expect("written").contains("id=\"pictures\""));
    std::fs::remove_file(&page).expect("it can be removed");
    nothing_is_left(&folder);
}

/// The client secret of the mock under test.
static SECRET: OnceLock<String> = OnceLock::new();

/// Shows a password, and the run's own client secret in every place of a page where a text can stand.
const SHOWN: &str = "<script>(() => {
  const secret = 'CANARY';
  const aside = (it) => { it.setAttribute('aria-hidden', 'true'); it.textContent = 'aside ' + secret; };
  const add = (tag, set) => { const it = document.createElement(tag); set(it); document.body.append(it); return it; };
  add('p', (it) => { it.textContent = 'before ' + secret + ' after'; });
  add('style', (it) => { it.textContent = '* { transition: all 5s }'; });
  add('p', aside);
  add('p', (it) => { it.title = secret; it.textContent = 'a title'; });
  add('button', (it) => { it.setAttribute('aria-label', secret); it.textContent = 'x'; });
  add('input', (it) => { it.value = secret; it.setAttribute('aria-label', 'Old value'); });
  add('input', (it) => { it.type = 'password'; it.value = 'nobody-knows-this-one'; });
  add('input', (it) => { it.placeholder = secret; });
  add('textarea', (it) => { it.value = 'a\\n' + secret; });
  add('select', (it) => { it.innerHTML = '<option>' + secret + '</option>'; });
  add('div', (it) => { it.attachShadow({ mode: 'open' }).innerHTML = '<b>' + secret + '</b>'; });
  add('div', (it) => { it.innerHTML = '<svg width=400 height=20><text y=15>' + secret + '</text></svg>'; });
  add('iframe', (it) => { it.srcdoc = secret; });
  add('p', (it) => { it.textContent = 'client_secret=another-one-of-tests'; });
  document.title = 'A page of ' + secret;
  history.replaceState(null, '', '#access_token=' + secret);
  console.error('it is', secret);
  setTimeout(() => { throw new Error('line one\\n' + secret + '\\nline two'); });
  add('canvas', (it) => { it.width = 400; it.getContext('2d').fillText(secret, 5, 20); });
})()</script></body>";

#[test]
fn no_picture_tree_trace_or_report_shows_a_secret() {
    if !has_browser() {
        return;
    }
    let mock = moved("canary", "fresh");
    let secrets = mock.credentials();
    let value = |name: &str| secrets.iter().find(|(own, _)| *own == name).expect("it is there").1.to_owned();
    let own = value("BPCONFORM_IMS_CLIENT_SECRET");
    SECRET.set(own.clone()).expect("one test sets it");
    let proxy = proxy_of_console(&mock, |_, _, body| {
        let script = SHOWN.replace("CANARY", SECRET.get().expect("it is set"));
        *body = body.replace("</body>", &script);
    });
    let reports = super::temporary("canary-reports");
    let mut flags = vec!["--via", "auto", "--allow", "change", "--requirement", "BP-IMS-01", "-vv"];
    let wanted: Vec<_> = ["html=report.html", "trace=trace.zip", "har=run.har", "markdown=run.md"]
        .iter()
        .map(|it| it.replace('=', &format!("={}/", reports.display())))
        .collect();
    wanted.iter().for_each(|report| flags.extend(["--report", report]));
    let (told, folder) = run_at(&mock, &proxy.url, "canary", &flags);
    assert_eq!(told.code, Some(0), "{}", told.all());
    let record = record(&folder);
    let pages = pages(&record);
    assert!(pages.iter().filter(|page| page["picture"].is_string()).count() > 3, "the masks were enough: {pages:?}");
    let mut all = everything(&folder.join("out"));
    all.extend(everything(&reports));
    all.push(("standard output".to_owned(), told.all()));
    assert!(all.iter().any(|(name, _)| name == "trees/0001.txt"));
    for (name, text) in &all {
        for secret in [own.as_str(), "nobody-knows-this-one", "another-one-of-tests"] {
            assert!(!text.contains(secret), "{name} shows a secret");
        }
    }
    std::fs::remove_dir_all(reports).expect("it can be removed");
    nothing_is_left(&folder);
}

/// The client secret of the mock whose pages show it in places where it cannot be replaced.
static ELSEWHERE: OnceLock<String> = OnceLock::new();

/// Shows the secret split between elements.
fn split(_: &str, _: &mut String, body: &mut String) {
    let (half, other) = ELSEWHERE.get().expect("it is set").split_at(12);
    *body = body.replace("</body>", &format!("<p><i>{half}</i><b>{other}</b></p></body>"));
}

/// Shows the secret by a style sheet.
fn styled(_: &str, _: &mut String, body: &mut String) {
    let secret = ELSEWHERE.get().expect("it is set");
    *body = body.replace("</body>", &format!("<style>h1::after {{ content: '{secret}'; }}</style></body>"));
}

#[test]
fn a_page_with_a_secret_that_cannot_be_replaced_leaves_no_picture() {
    if is_left_out("page with a secret that cannot be replaced") {
        return;
    }
    if !has_browser() {
        return;
    }
    let mock = moved("revealing", "configured");
    let secrets = mock.credentials();
    let secret = secrets.iter().find(|(name, _)| *name == "BPCONFORM_IMS_CLIENT_SECRET").expect("it is there").1;
    ELSEWHERE.set(secret.to_owned()).expect("one test sets it");
    for (name, change) in [("split", split as Change), ("styled", styled)] {
        let proxy = proxy_of_console(&mock, change);
        let flags = ["--via", "auto", "--allow", "probe", "--requirement", "BP-IMS-02", "-q"];
        let (told, folder) = run_at(&mock, &proxy.url, name, &flags);
        assert_eq!(told.code, Some(0), "{}", told.all());
        let record = record(&folder);
        let pages = pages(&record);
        let console: Vec<_> = pages.iter().filter(|page| page["url"].to_string().contains("/adobeims-")).collect();
        assert!(!console.is_empty(), "{name}: {pages:?}");
        for page in console {
            assert!(page["picture"].is_null() && page["no_picture"].to_string().contains("a secret"), "{name}: {page}");
            let tree = page["tree"]["text"].as_str().expect("a text");
            assert!(!tree.contains(secret) && !tree.contains(&secret[..12]), "{name}: {tree}");
        }
        nothing_is_left(&folder);
    }
}
