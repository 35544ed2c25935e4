//! A person at the pages of the mocked Author with a skin: each page leads home, no control is dead, and a new entry is marked
//! in its list.

use serde_json::json;

use super::skins::{flags, speak};
use crate::support::browser::Browser;
use crate::support::{Mock, directory, is_left_out, report_sample, tries_all};

/// The start page, and the consoles of the seed `configured`.
const START: &str = "/aem/start.html";
const IMS: &str = "/libs/cq/adobeims-configuration/content/configurations.html";
const ASSETS: &str = "/assets.html/content/dam";

/// What a page shows and has asked for. After the click on a control that does something, it is another text.
const STATE: &str = "return [location.href, document.body.innerText, performance.timeOrigin,
  performance.getEntriesByType('resource').length,
  document.querySelectorAll('[invalid], [open], [selected], [active], :checked').length,
  [...document.querySelectorAll('body *')].filter((it) => it.getClientRects().length).length].join('|')";

/// The texts of the pages in a language.
struct Texts {
    code: &'static str,
    security: &'static str,
    ims_configurations: &'static str,
    create: &'static str,
    cloud_solution: &'static str,
    next: &'static str,
    title: &'static str,
    server: &'static str,
    api_key: &'static str,
    secret: &'static str,
    save: &'static str,
}

const ENGLISH: Texts = Texts {
    code: "en",
    security: "Security",
    ims_configurations: "Adobe IMS Configurations",
    create: "Create",
    cloud_solution: "Cloud Solution",
    next: "Next",
    title: "Title",
    server: "Authorization Server",
    api_key: "API Key",
    secret: "Client Secret",
    save: "Save & Close",
};

const GERMAN: Texts = Texts {
    code: "de",
    security: "Sicherheit",
    ims_configurations: "Adobe IMS-Konfigurationen",
    create: "Erstellen",
    cloud_solution: "Cloud-Lösung",
    next: "Weiter",
    title: "Titel",
    server: "Autorisierungsserver",
    api_key: "API-Schlüssel",
    secret: "Client-Geheimnis",
    save: "Speichern und schließen",
};

/// A person who has logged in and closed what a new user sees.
struct Person {
    browser: Browser,
    author: String,
}

impl Person {
    async fn at(mock: &Mock, name: &str) -> Option<Self> {
        let browser = Browser::start(&directory(name)).await?;
        let person = Self { browser, author: mock.url("author").to_owned() };
        person.go(START).await;
        person.browser.type_into("#username", "admin").await;
        person.browser.type_into("#password", "admin").await;
        person.browser.click("#submit-button").await;
        person
            .browser
            .wait_for_script("return document.querySelector('.granite-shell-onboarding.is-open') !== null")
            .await;
        let close = "return document.querySelector('.granite-shell-onboarding [coral-close]')";
        person.browser.click_found(close).await;
        // It comes back on the next page unless that it was closed has been stored.
        let stored = "return performance.getEntriesByType('resource').some((it) => it.name.endsWith('/preferences'))";
        person.browser.wait_for_script(stored).await;
        Some(person)
    }

    async fn go(&self, path: &str) {
        self.browser.go(&format!("{}{path}", self.author)).await;
    }

    /// Opens a console by the menu Tools.
    async fn open(&self, group: &str, console: &str) {
        self.go(START).await;
        for text in ["Tools", group, console] {
            self.browser.click_text(text).await;
        }
    }

    async fn fill(&self, label: &str, text: &str) {
        let field = wrapper(label, "input:not([type=hidden]), textarea");
        self.browser.click_found(&field).await;
        self.browser.type_into(":focus", text).await;
    }

    async fn choose(&self, label: &str, option: &str) {
        self.browser.click_found(&wrapper(label, "button")).await;
        self.browser
            .click_found(&format!(
                "return [...document.querySelectorAll('coral-selectlist-item')].find((it) => it.getClientRects().length
               && it.textContent.trim() === {}) || null",
                json!(option)
            ))
            .await;
    }

    /// The list is shown, and exactly the new entry is marked in it.
    async fn sees_new(&self, console: &str, title: &str) {
        self.browser
            .wait_for_script(&format!(
                "const marked = [...document.querySelectorAll('.is-new[aria-current=true]')];
             return location.pathname === {} && marked.length === 1 && marked[0].textContent.includes({})",
                json!(console),
                json!(title)
            ))
            .await;
    }
}

/// A script that finds what is in the wrapper of a field.
fn wrapper(label: &str, selector: &str) -> String {
    format!(
        "const all = [...document.querySelectorAll('.coral-Form-fieldwrapper')].filter((it) => it.getClientRects().length);
         const label = (it) => it.querySelector('label').textContent.replace('*', '').trim();
         return all.find((it) => label(it) === {})?.querySelector({}) || null",
        json!(label), json!(selector)
    )
}

async fn creates(skin: &str, texts: &Texts) {
    let Some(flags) = flags(skin) else { return };
    let flags: Vec<_> = ["--seed", "fresh"].into_iter().chain(flags.iter().map(String::as_str)).collect();
    let mock = Mock::with(&flags);
    speak(&mock, texts.code);
    let Some(person) = Person::at(&mock, &format!("people-{skin}")).await else { return };
    let browser = &person.browser;
    assert_eq!(browser.run("return document.documentElement.lang").await, texts.code);

    person.open(texts.security, texts.ims_configurations).await;
    browser.click_text(texts.create).await;
    person.choose(texts.cloud_solution, "Adobe Brand Portal").await;
    browser.click_text(texts.next).await;
    person.fill(texts.title, "Acme").await;
    person.fill(texts.server, mock.url("ims")).await;
    let credentials = mock.credentials();
    let credential = |name: &str| credentials.iter().find(|(known, _)| *known == name).expect("it is there").1;
    person.fill(texts.api_key, credential("BPCONFORM_IMS_CLIENT_ID")).await;
    person.fill(texts.secret, credential("BPCONFORM_IMS_CLIENT_SECRET")).await;
    person.fill("Scope", credential("BPCONFORM_IMS_SCOPE")).await;
    person.fill("Organization ID", credential("BPCONFORM_IMS_ORG_ID")).await;
    browser.click_text(texts.create).await;
    person.sees_new(IMS, "Acme").await;

    person.open("Cloud Services", "AEM Brand Portal").await;
    let console = browser.run("return location.pathname").await;
    browser.click_text(texts.create).await;
    person.fill(texts.title, "Portal").await;
    person.choose("Associated Adobe IMS Configuration", "Acme").await;
    person.fill("Service URL", mock.url("tenant")).await;
    browser.click_text(texts.save).await;
    person.sees_new(console.as_str().expect("a path"), "Portal").await;
}

#[tokio::test]
async fn a_person_finds_the_new_entry_marked_on_pages_like_coral_3() {
    if is_left_out("new entry on pages like Coral 3") {
        return;
    }
    creates("coral3", &GERMAN).await;
}

#[tokio::test]
async fn a_person_finds_the_new_entry_marked_on_pages_of_the_library() {
    if is_left_out("new entry on pages of the library") {
        return;
    }
    creates("spectrum", &ENGLISH).await;
}

/// The controls that can be used, and the one of a number.
const CONTROLS: &str =
    "const kinds = 'button, a[href], coral-tab, coral-columnview-item, [data-globalnav-anchor-href]';
  const shown = (it) => it.getClientRects().length && getComputedStyle(it).visibility !== 'hidden';
  const idle = (it) => it.disabled || it.matches('[selected], [aria-selected=true]');
  const all = [...document.querySelectorAll(kinds)].filter((it) => shown(it) && !idle(it));";

/// What is done on a page before its controls are tried, as scripts that return what is to be clicked.
const SELECT: &str = "return document.querySelector('.foundation-collection-item-thumbnail, \
  .foundation-collection-item-select, coral-quickactions-item button')";

/// Of so many controls one is tried where a sample is enough.
const EACH: usize = 5;

/// What was found out about the controls of pages.
#[derive(Default)]
struct Controls {
    /// How many there are, and how many of them were tried.
    all: usize,
    tried: usize,
    /// The names of those that do nothing.
    dead: Vec<String>,
}

/// Tries the controls of a page, the last one first.
async fn try_controls(person: &Person, path: &str, before: &[String], found: &mut Controls) {
    let browser = &person.browser;
    let (mut index, step) = (None, if tries_all() { 1 } else { EACH });
    loop {
        person.go(path).await;
        for script in before {
            // What appears under the pointer only is clicked without one.
            browser
                .wait_for_script(&format!("const it = (() => {{ {script} }})(); it?.click(); return Boolean(it)"))
                .await;
        }
        settled(browser).await;
        assert!(
            browser.run("return document.querySelector('a[is=coral-shell-homeanchor]')?.pathname").await == START,
            "{path}"
        );
        let state = browser.run(STATE).await;
        let at = if let Some(index) = index {
            index
        } else {
            let count = browser.run(&format!("{CONTROLS} return all.length")).await;
            let count = count.as_u64().and_then(|count| usize::try_from(count).ok()).expect("a number");
            found.all += count;
            count.checked_sub(1).expect("a control that leads home")
        };
        found.tried += 1;
        let name = browser
            .run(&format!(
                "{CONTROLS} const it = all[{at}]; it?.click();
            return it ? (it.title || it.textContent).trim() : null"
            ))
            .await;
        let name = name.as_str().unwrap_or_else(|| panic!("{path} has shown more controls before"));
        let began = std::time::Instant::now();
        while browser.run(STATE).await == state {
            if began.elapsed() > std::time::Duration::from_secs(2) {
                found.dead.push(name.to_owned());
                break;
            }
        }
        let Some(next) = at.checked_sub(step) else { return };
        index = Some(next);
    }
}

/// Waits until the page asks for nothing and shows the same for a moment.
async fn settled(browser: &Browser) {
    let mut state = browser.run(STATE).await;
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        let now = browser.run(STATE).await;
        if now == state {
            return;
        }
        state = now;
    }
}

/// The page behind Create of a console.
fn behind_create(console: &str) -> String {
    format!("{}/create.html", console.trim_end_matches(".html"))
}

async fn has_no_dead_controls(skin: &str) {
    let Some(flags) = flags(skin) else { return };
    let flags: Vec<_> = ["--seed", "configured"].into_iter().chain(flags.iter().map(String::as_str)).collect();
    let mock = Mock::with(&flags);
    let Some(person) = Person::at(&mock, &format!("controls-{skin}")).await else { return };
    let tools = "return document.querySelector('coral-tab[title=Tools]')".to_owned();
    let group = "return document.querySelector('[data-foundation-collection-item-id$=security]')".to_owned();
    let selected = SELECT.to_owned();
    person.open("Cloud Services", "AEM Brand Portal").await;
    let cloud = person.browser.run("return location.pathname").await.as_str().expect("a path").to_owned();
    let mut found = Controls::default();
    for (path, before) in [
        (START, vec![]),
        (START, vec![tools, group]),
        (IMS, vec![selected.clone()]),
        (&behind_create(IMS), vec![]),
        (&behind_create(&cloud), vec![]),
        (ASSETS, vec![selected]),
    ] {
        try_controls(&person, path, &before, &mut found).await;
        assert_eq!(found.dead, Vec::<String>::new(), "{path} {before:?}");
    }
    if found.tried < found.all {
        report_sample(&format!("controls of the pages like {skin}"), found.tried, found.all);
    }
    // A dead one would have been found.
    let dead = "if (!document.querySelector('#dead')) document.body.insertAdjacentHTML('beforeend', '<button id=dead>Dead</button>');
        return document.querySelector('#dead')".to_owned();
    try_controls(&person, &cloud, &[dead], &mut found).await;
    assert_eq!(found.dead, ["Dead"]);
}

#[tokio::test]
async fn pages_like_coral_3_have_no_dead_controls_and_lead_home() {
    if is_left_out("walk of a person over pages like Coral 3") {
        return;
    }
    has_no_dead_controls("coral3").await;
}

#[tokio::test]
async fn pages_of_the_library_have_no_dead_controls_and_lead_home() {
    if is_left_out("walk of a person over pages of the library") {
        return;
    }
    has_no_dead_controls("spectrum").await;
}
