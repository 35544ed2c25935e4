//! One page of the browser, and what a person does on it.

use serde_json::{Value, json};

use super::Running;
use super::elements::{self, Element};
use crate::problem::{Checked, Problem};

/// The item of a list that has one of these values: in an attribute, in a hidden field, or as its title.
const ITEM: &str = "function (values) {
  const kinds = '.foundation-collection-item, [data-foundation-collection-item-id], coral-card, article, li, tr, \
[role=listitem], [role=row], [role=article]';
  const text = (element) => (element.textContent || '').trim();
  const titles = 'h1, h2, h3, h4, coral-card-title, .foundation-collection-item-title, [role=heading], th, td, a, strong';
  const has = (item) => [item, ...item.querySelectorAll('*')].some((element) =>
    [...element.attributes].some((attribute) => values.includes(attribute.value))
      || (element.matches(titles) && values.includes(text(element))));
  const all = [...this.querySelectorAll(kinds)].filter(has);
  const inner = all.filter((item) => !all.some((other) => other !== item && item.contains(other)));
  return inner.length === 1 ? inner[0] : String(inner.length);
}";

/// What is in the way of a click at a point, if anything is.
const COVERS: &str = "function (x, y) {
  const top = document.elementFromPoint(x, y);
  if (!top) return 'the edge of the window';
  if (top === this || this.contains(top) || top.contains(this) && getComputedStyle(top).display === 'contents') return '';
  const label = top.closest('label');
  if (label && (label.contains(this) || label.control === this)) return '';
  if (top.contains(this)) return '';
  return top.tagName.toLowerCase() + (top.id ? '#' + top.id : '') + ' \"' + (top.textContent || '').trim().slice(0, 40) + '\"';
}";

/// Chooses a value of a list of the page; returns what it offers if it has no such value.
const CHOOSE: &str = "function (wanted) {
  const options = [...this.options];
  const low = (text) => text.trim().toLowerCase();
  const found = options.find((option) => option.value === wanted)
    || options.find((option) => low(option.text) === low(wanted))
    || options.find((option) => low(option.text).startsWith(low(wanted)));
  if (!found) return options.map((option) => option.text.trim()).join(', ') || 'nothing';
  this.value = found.value;
  this.dispatchEvent(new Event('input', { bubbles: true }));
  this.dispatchEvent(new Event('change', { bubbles: true }));
  return '';
}";

/// The text that a person sees: of the open dialogs, otherwise of the page.
const SEEN: &str = "(() => {
  const shown = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility !== 'hidden';
  const dialogs = [...document.querySelectorAll('[role=dialog], [role=alertdialog], dialog[open], coral-dialog[open]')];
  const open = dialogs.filter(shown);
  const all = open.length ? open : [document.body];
  return all.map((element) => element ? element.innerText : '').join('\\n');
})()";

/// A page of the browser.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    browser: &'a Running,
    target: String,
    session: String,
}

/// An element that a script has found.
#[derive(Clone, Debug)]
pub(crate) struct Handle(String);

impl<'a> Page<'a> {
    /// Opens an empty page.
    pub(super) async fn new(browser: &'a Running) -> Checked<Self> {
        let made = browser.call("Target.createTarget", json!({ "url": "about:blank" })).await?;
        let target = text(&made, "targetId")?;
        let attach = json!({ "targetId": target, "flatten": true });
        let session = text(&browser.call("Target.attachToTarget", attach).await?, "sessionId")?;
        let page = Self { browser, target, session };
        page.call("Page.enable", json!({})).await?;
        page.call("DOM.enable", json!({})).await?;
        Ok(page)
    }

    async fn call(&self, method: &'static str, params: Value) -> Checked<Value> {
        self.browser.devtools.call(Some(&self.session), method, params).await
    }

    /// Closes the page.
    pub(crate) async fn close(&self) {
        let _ = self.browser.call("Target.closeTarget", json!({ "targetId": self.target })).await;
    }

    /// Goes to an address, and returns when its answer has begun.
    pub(crate) async fn open(&self, address: &str) -> Checked {
        let went = self.call("Page.navigate", json!({ "url": address })).await?;
        match went["errorText"].as_str() {
            // The answer was a file to be saved, and was received.
            Some(problem) if problem != "net::ERR_ABORTED" => {
                Err(Problem::error(format!("the browser cannot open {address}: {problem}")))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a dialog of a script, which would stop the page: what it asks is not documented.
    pub(crate) async fn dismiss(&self, kind: &str) {
        let accept = kind == "beforeunload";
        let _ = self.call("Page.handleJavaScriptDialog", json!({ "accept": accept })).await;
    }

    /// Evaluates an expression in the page.
    async fn evaluate(&self, expression: &str) -> Checked<Value> {
        let wanted = json!({ "expression": expression, "returnByValue": true });
        Ok(self.call("Runtime.evaluate", wanted).await?["result"]["value"].take())
    }

    /// Whether the page has been loaded.
    pub(crate) async fn is_loaded(&self) -> Checked<bool> {
        Ok(self.evaluate("document.readyState").await? == "complete")
    }

    /// The address and the title of the page.
    pub(crate) async fn place(&self) -> Checked<(String, String)> {
        let read = self.evaluate("[location.href, document.title]").await?;
        let part = |index: usize| read[index].as_str().unwrap_or_default().to_owned();
        Ok((part(0), part(1)))
    }

    /// The text that a person sees.
    pub(crate) async fn seen(&self) -> Checked<String> {
        Ok(self.evaluate(SEEN).await?.as_str().unwrap_or_default().to_owned())
    }

    /// The controls of the page, or of an element.
    pub(crate) async fn elements(&self, within: Option<&Handle>) -> Checked<Vec<Element>> {
        let mut tree = match within {
            Some(Handle(object)) => self.call("Accessibility.queryAXTree", json!({ "objectId": object })).await?,
            None => self.call("Accessibility.getFullAXTree", json!({})).await?,
        };
        Ok(elements::read(&tree["nodes"].take()))
    }

    /// The one item of a list with one of these values; the error says how many there are.
    pub(crate) async fn item(&self, values: &[String]) -> Checked<Result<Handle, usize>> {
        let document = self.call("Runtime.evaluate", json!({ "expression": "document" })).await?;
        let document = Handle(text(&document["result"], "objectId")?);
        let found = self.on(&document, ITEM, &[json!(values)], false).await?;
        Ok(match found["objectId"].as_str() {
            Some(object) => Ok(Handle(object.to_owned())),
            None => Err(found["value"].as_str().and_then(|count| count.parse().ok()).unwrap_or_default()),
        })
    }

    /// Calls a function on an element.
    async fn on(&self, Handle(object): &Handle, function: &str, arguments: &[Value], by_value: bool) -> Checked<Value> {
        let arguments: Vec<_> = arguments.iter().map(|value| json!({ "value": value })).collect();
        let wanted = json!({
            "objectId": object, "functionDeclaration": function, "arguments": arguments, "returnByValue": by_value,
        });
        let mut called = self.call("Runtime.callFunctionOn", wanted).await?;
        if let Some(problem) = called["exceptionDetails"]["exception"]["description"].as_str() {
            return Err(Problem::error(format!("a script of the harness failed in the page: {problem}")));
        }
        Ok(called["result"].take())
    }

    async fn handle(&self, element: &Element) -> Checked<Handle> {
        let resolved = self.call("DOM.resolveNode", json!({ "backendNodeId": element.node })).await?;
        text(&resolved["object"], "objectId").map(Handle)
    }

    /// Clicks the middle of a control, as a person does. Returns what is in the way, if the click would not reach it.
    pub(crate) async fn click(&self, element: &Element) -> Checked<Result<(), String>> {
        let node = json!({ "backendNodeId": element.node });
        // What has no place cannot be scrolled to; that shows below.
        let _ = self.call("DOM.scrollIntoViewIfNeeded", node.clone()).await;
        let quads = match self.call("DOM.getContentQuads", node).await {
            Ok(mut found) => found["quads"].take(),
            Err(_) => Value::Null,
        };
        let corner = |index: usize| quads[0][index].as_f64();
        let (Some(left), Some(top), Some(right), Some(bottom)) = (corner(0), corner(1), corner(4), corner(5)) else {
            return Ok(Err("nothing: it has no place on the page".to_owned()));
        };
        let (x, y) = (f64::midpoint(left, right), f64::midpoint(top, bottom));
        let over = self.on(&self.handle(element).await?, COVERS, &[json!(x), json!(y)], true).await?;
        if let Some(over) = over["value"].as_str().filter(|over| !over.is_empty()) {
            return Ok(Err(over.to_owned()));
        }
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            let event = json!({ "type": kind, "x": x, "y": y, "button": button, "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event).await?;
        }
        Ok(Ok(()))
    }

    /// Replaces the text of a field, as by typing.
    pub(crate) async fn fill(&self, element: &Element, value: &str) -> Checked {
        self.call("DOM.focus", json!({ "backendNodeId": element.node })).await?;
        let handle = self.handle(element).await?;
        self.on(&handle, "function () { if (this.select) this.select(); }", &[], true).await?;
        self.call("Input.insertText", json!({ "text": value })).await?;
        let typed = self.on(&handle, "function () { return this.value; }", &[], true).await?;
        if typed["value"].as_str() == Some(value) {
            return Ok(());
        }
        Err(Problem::error(format!("the field \"{}\" does not take what is typed", element.name.trim())))
    }

    /// Chooses a value of a list. Returns what the list offers, if it has no such value.
    pub(crate) async fn choose(&self, element: &Element, value: &str) -> Checked<Result<(), String>> {
        let handle = self.handle(element).await?;
        let offered = self.on(&handle, CHOOSE, &[json!(value)], true).await?;
        Ok(match offered["value"].as_str() {
            Some("") => Ok(()),
            offered => Err(offered.unwrap_or("nothing").to_owned()),
        })
    }
}

fn text(value: &Value, name: &str) -> Checked<String> {
    let found = value[name].as_str().map(str::to_owned);
    found.ok_or_else(|| Problem::error(format!("the browser's answer has no {name}")))
}
