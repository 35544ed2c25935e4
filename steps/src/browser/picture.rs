//! A page as evidence: a picture, and the tree that a screen reader reads. What is secret is replaced in the page before the
//! picture is taken, and put back after it. The tree at that moment says whether anything was overlooked: then there is no
//! picture. What a password field holds is learned: it is a secret elsewhere, too.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::masking::{MASK, PUT_BACK, READ};
use super::outline::{self, Outline};
use super::page::Page;
use crate::problem::{Checked, Problem};
use crate::redact::Redactor;

/// How long a page may take to show itself, before anything in it is replaced.
const PATIENCE: Duration = Duration::from_secs(5);

/// The name of the world in which the scripts of the masks run: the page's own scripts do not see them.
const WORLD: &str = "bpconform";

/// What is shown in place of a password, whatever its length.
const HIDDEN: &str = "••••••••";

/// How many texts of a page are looked at.
const MOST: usize = 50_000;

/// A page as evidence.
#[derive(Clone, Debug)]
pub(crate) struct Capture {
    /// The picture, or why there is none.
    pub(crate) picture: Result<Vec<u8>, String>,
    /// The accessibility tree as text, masked.
    pub(crate) tree: String,
    /// Everything that the picture may show, to be searched for secrets that are learned later.
    pub(crate) texts: String,
}

/// A text of a page.
struct Shown {
    /// The name of the field that it is in.
    name: String,
    text: String,
    /// Whether it is a password, whatever it is.
    is_password: bool,
    /// Whether it is text of the page itself, not of an attribute or a field.
    is_text: bool,
}

impl Page<'_> {
    /// Looks at the page. An error means that a field of the page could not be put back as it was.
    pub(crate) async fn capture(&self, redactor: &Redactor) -> Checked<Capture> {
        let read = tokio::time::timeout(PATIENCE, self.shown()).await;
        let (world, shown) = match read {
            Ok(Ok(read)) => read,
            Ok(Err(problem)) => return Ok(Capture::none(problem.reason)),
            Err(_) => return Ok(Capture::none(format!("the page did not answer in {} s", PATIENCE.as_secs()))),
        };
        if shown.len() >= MOST {
            return Ok(Capture::none(format!("the page has more than {MOST} texts to search for secrets")));
        }
        let masked: Vec<_> = shown.iter().map(|it| it.masked(redactor)).collect();
        let changes: Vec<_> = masked.iter().enumerate().filter_map(|(index, it)| Some((index, it.as_ref()?))).collect();
        let now = shown.iter().zip(&masked).map(|(it, masked)| (it, masked.as_deref().unwrap_or(&it.text)));
        let (texts, whole) =
            (now.clone().map(|(_, text)| text), now.filter(|(it, _)| it.is_text).map(|(_, text)| text));
        let texts = format!("{}\n{}", texts.collect::<Vec<_>>().join("\n"), whole.collect::<String>());
        // Even if its answer is lost, the masks may be there.
        let done = self.in_world(world, MASK, &[json!({ "value": changes })]).await;
        let capture = match done {
            Ok(_) => self.masked_page(redactor).await.with_texts(&texts, redactor),
            Err(problem) => Capture::none(problem.reason),
        };
        self.put_back(world, capture).await
    }

    /// The page while its secrets are replaced.
    async fn masked_page(&self, redactor: &Redactor) -> Capture {
        let before = match self.outline(redactor).await {
            Ok(before) => before,
            Err(problem) => return Capture::none(problem.reason),
        };
        if before.shows_secrets(redactor) {
            return Capture::of(before, Err(REVEALING.to_owned()), redactor);
        }
        let wanted = json!({ "format": "webp", "quality": 70, "optimizeForSpeed": true });
        let taken = tokio::time::timeout(PATIENCE, self.call("Page.captureScreenshot", wanted)).await;
        let picture = match taken {
            Ok(Ok(taken)) => {
                let bytes = taken["data"].as_str().and_then(|data| STANDARD.decode(data).ok());
                bytes.ok_or_else(|| "the browser's answer has no picture".to_owned())
            }
            Ok(Err(problem)) => Err(problem.reason),
            Err(_) => Err(format!("the browser took no picture in {} s", PATIENCE.as_secs())),
        };
        match self.outline(redactor).await {
            // A script of the page may have shown it again.
            Ok(after) if after.shows_secrets(redactor) => Capture::of(after, Err(REVEALING.to_owned()), redactor),
            Ok(mut after) => {
                // The picture may still show what was there before.
                after.all.extend(before.all);
                after.leaves += &format!("\n{}", before.leaves);
                Capture::of(after, picture, redactor)
            }
            Err(problem) => Capture::of(before, Err(problem.reason), redactor),
        }
    }

    /// Puts back what was replaced. A page that was left meanwhile has nothing to put back, and its picture proves nothing.
    async fn put_back(&self, world: i64, capture: Capture) -> Checked<Capture> {
        match self.in_world(world, PUT_BACK, &[]).await {
            Ok(done) if done["value"] == true => Ok(capture),
            Ok(_) => Err(Problem::error("a field of the page could not be put back after its picture was taken")),
            Err(problem) if is_gone(&problem.reason) => {
                Ok(Capture { picture: Err("the page was left meanwhile".to_owned()), ..capture })
            }
            Err(problem) => Err(problem.about("a field of the page may still be hidden after its picture was taken")),
        }
    }

    /// The world of the harness in the page, and all texts of the page.
    async fn shown(&self) -> Checked<(i64, Vec<Shown>)> {
        let wanted = json!({ "frameId": self.frame(), "worldName": WORLD });
        let made = self.call("Page.createIsolatedWorld", wanted).await?;
        let world = made["executionContextId"].as_i64();
        let world = world.ok_or_else(|| Problem::error("the browser's answer has no executionContextId"))?;
        let read = self.in_world(world, READ, &[json!({ "value": MOST })]).await?;
        let shown = read["value"].as_array().into_iter().flatten().map(|it| Shown {
            name: it[0].as_str().unwrap_or_default().to_owned(),
            text: it[1].as_str().unwrap_or_default().to_owned(),
            is_password: it[2] == true,
            is_text: it[3] == true,
        });
        Ok((world, shown.collect()))
    }

    async fn in_world(&self, world: i64, function: &str, arguments: &[Value]) -> Checked<Value> {
        let wanted = json!({
            "executionContextId": world, "functionDeclaration": function, "arguments": arguments, "returnByValue": true,
        });
        let mut called = self.call("Runtime.callFunctionOn", wanted).await?;
        match called["exceptionDetails"]["exception"]["description"].as_str() {
            Some(problem) => Err(Problem::error(format!("a script of the harness failed in the page: {problem}"))),
            None => Ok(called["result"].take()),
        }
    }

    async fn outline(&self, redactor: &Redactor) -> Checked<Outline> {
        let tree = tokio::time::timeout(PATIENCE, self.call("Accessibility.getFullAXTree", json!({}))).await;
        let tree = tree.map_err(|_| Problem::error("the browser did not read the page out in time"))??;
        Ok(outline::outline(&tree["nodes"], &|text| redactor.redact_foreign(text).into_owned()))
    }
}

/// Why there is no picture although the page can be seen.
const REVEALING: &str = "it would have shown a secret";

/// What stands in place of a tree in which a secret is split between elements, so that no line of it can be masked.
const NO_TREE: &str = "[not recorded: it would show a secret]";

impl Capture {
    fn none(why: impl Into<String>) -> Self {
        Self { picture: Err(why.into()), tree: String::new(), texts: String::new() }
    }

    fn of(outline: Outline, picture: Result<Vec<u8>, String>, redactor: &Redactor) -> Self {
        let texts = std::iter::once(&outline.leaves).chain(&outline.all).map(String::as_str).collect::<Vec<_>>();
        let texts = texts.join("\n");
        let tree = if outline.splits_secrets(redactor) { NO_TREE.to_owned() } else { outline.text };
        Self { picture, tree, texts }
    }
}

impl Capture {
    /// The same with the texts of the page itself: its accessibility tree leaves out what is hidden from a screen reader,
    /// or behind a dialog. A secret that was learned from a later text, or is split between elements, takes the picture
    /// away.
    fn with_texts(mut self, texts: &str, redactor: &Redactor) -> Self {
        if self.picture.is_ok() && redactor.redact_learned(texts) != texts {
            self.picture = Err(REVEALING.to_owned());
        }
        self.texts = format!("{}\n{texts}", self.texts);
        self
    }
}

impl Outline {
    /// Whether a text shows a secret, alone or together with its neighbours. The names of fields do not count here: what
    /// they make secret was replaced before, and is known by now.
    fn shows_secrets(&self, redactor: &Redactor) -> bool {
        self.all.iter().any(|text| redactor.redact_known(text) != *text)
            || redactor.redact_learned(&self.leaves) != self.leaves
    }

    /// Whether a known secret is split between elements.
    fn splits_secrets(&self, redactor: &Redactor) -> bool {
        redactor.redact_learned(&self.masked_leaves) != self.masked_leaves
    }
}

impl Shown {
    /// What is shown in its place; none if it may be shown.
    fn masked(&self, redactor: &Redactor) -> Option<String> {
        if self.is_password {
            redactor.redact_value("password", &self.text);
            return Some(HIDDEN.to_owned());
        }
        let masked = if self.name.is_empty() {
            redactor.redact_foreign(&self.text).into_owned()
        } else {
            redactor.redact_value(&self.name, &self.text)
        };
        (masked != self.text).then_some(masked)
    }
}

/// Whether a browser's reason says that the page of a world is no longer there.
fn is_gone(reason: &str) -> bool {
    ["Cannot find context", "context was destroyed", "Inspected target navigated"].iter().any(|it| reason.contains(it))
}
