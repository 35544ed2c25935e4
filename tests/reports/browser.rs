//! The page in a real browser: Chromium, driven over the WebDriver protocol. Where it is not installed the tests say so
//! loudly and prove nothing; with `BPCONFORM_BROWSER=required` its absence fails them.

use std::path::Path;

use bpconform::record::Record;
use bpconform::report::ReportFormat;

use super::{Folder, sample};
use crate::support::browser::Browser;
use crate::support::is_left_out;

/// Opens the page of a record.
async fn open(browser: &Browser, folder: &Path, record: &Record) {
    let file = folder.join("report.html");
    std::fs::write(&file, ReportFormat::Html.render(record).expect("rendered")).expect("written");
    browser.open(&file).await;
}

#[tokio::test]
async fn a_person_filters_opens_a_failure_and_reads_the_remedy() {
    let folder = Folder::new("browser");
    let Some(browser) = Browser::start(&folder.0).await else { return };
    open(&browser, &folder.0, &sample::failing()).await;
    browser.wait_for("#shown", "6 scenarios").await;

    browser.type_into("#q", "bp-rep-03 agent2").await;
    browser.wait_for("#shown", "1 of 6 scenarios").await;
    browser.click("details.scenario:not([hidden]) > summary").await;
    let remedy = browser.text("details.scenario[open] .remedy").await;
    assert!(remedy.contains("What the documentation says") && remedy.lines().count() > 3, "{remedy}");
    assert_eq!(
        browser.text("details.scenario[open] .agents section:nth-child(3) h5").await,
        "Agent 2, named in the reason"
    );
    let lanes = browser.run("return document.querySelectorAll('details.scenario[open] .water .lane').length").await;
    assert_eq!(lanes, 5, "the Author and the four agents");

    browser.click("details.scenario[open] .exchange > summary").await;
    assert!(browser.text("details.scenario[open] .exchange[open]").await.contains("transportUri"));
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn verdicts_are_chosen_by_keyboard_and_the_address_remembers() {
    let folder = Folder::new("keyboard");
    let Some(browser) = Browser::start(&folder.0).await else { return };
    open(&browser, &folder.0, &sample::failing()).await;
    // The space bar on the check box of those that passed.
    browser.type_into("input[value=passed]", " ").await;
    browser.wait_for("#shown", "4 of 6 scenarios").await;
    assert_eq!(browser.run("return location.hash").await, "#v=failed%2Cerror%2Cskipped");
    browser.type_into("body", "/").await;
    assert_eq!(browser.run("return document.activeElement.id").await, "q");
    browser.type_into("#q", "no such thing").await;
    browser.wait_for("#shown", "0 of 6 scenarios").await;
    browser.click("#reset").await;
    browser.wait_for("#shown", "6 scenarios").await;

    // The details of a failure open in place, and link to its scenario.
    browser.click(".card .evidence > summary").await;
    browser.wait_for(".card .evidence[open] .steps li:last-child b", "Then").await;
    assert!(browser.text(".card .evidence[open] .agents .named h5").await.starts_with("Agent 2"));
    browser.click(".card a.where").await;
    browser.wait_for("details.scenario[open] .steps li:last-child b", "Then").await;
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn hostile_text_is_shown_and_never_run() {
    let folder = Folder::new("hostile");
    let Some(browser) = Browser::start(&folder.0).await else { return };
    open(&browser, &folder.0, &sample::failing()).await;
    browser.type_into("#q", "hostile").await;
    browser.wait_for("#shown", "1 of 6 scenarios").await;
    browser.click("details.scenario:not([hidden]) > summary").await;
    assert!(browser.text("details.scenario[open]").await.contains("<script>alert(1)</script>"));
    // An alert that was opened would fail every further command.
    browser.has_no_complaints().await;
}

#[tokio::test]
async fn two_thousand_scenarios_do_not_lag() {
    if is_left_out("two thousand scenarios in a browser") {
        return;
    }
    let folder = Folder::new("many");
    let Some(browser) = Browser::start(&folder.0).await else { return };
    open(&browser, &folder.0, &sample::many(2000)).await;
    browser.type_into("#q", "bp-rep-03").await;
    browser.wait_for("#shown", "39 of 2000 scenarios").await;
    let filtered = browser.run(
        "const q = document.getElementById('q'); const began = performance.now(); q.value = 'agent2 bp-pub'; \
         document.querySelector('input[name=v]').dispatchEvent(new Event('change')); void document.body.offsetHeight; \
         return performance.now() - began",
    );
    let ms = filtered.await.as_f64().expect("a time");
    eprintln!("filtering 2,000 scenarios took {ms:.0} ms");
    // A person notices more than a second; a busy machine needs some of it.
    assert!(ms < 1000.0, "filtering took {ms} ms");
    browser.has_no_complaints().await;
}
