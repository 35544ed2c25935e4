//! One page of the browser, and what a person does on it.

use serde_json::{Value, json};

use super::elements::{self, Element};
use super::scripts::{BY_SELECTOR, CHOOSE, COVERS, DIALOG, ITEM, LINES, OF_ANOTHER, SEEN, SELECTOR};
use super::{Event, Running};
use crate::problem::{Checked, Problem};

/// A page of the browser.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    browser: &'a Running,
    target: String,
    session: String,
    /// The pages that were open before it.
    others: Vec<String>,
}

/// A point of the page, in pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    x: f64,
    y: f64,
}

/// An element that a script has found.
#[derive(Clone, Debug)]
pub(crate) struct Handle(pub(super) String);

impl<'a> Page<'a> {
    /// Opens an empty page.
    pub(super) async fn new(browser: &'a Running) -> Checked<Self> {
        let others = pages(browser).await?;
        let made = browser.call("Target.createTarget", json!({ "url": "about:blank" })).await?;
        Self::at(browser, text(&made, "targetId")?, others).await
    }

    /// The page of the window that the browser opened by itself, or a new one.
    pub(super) async fn first(browser: &'a Running) -> Checked<Self> {
        match pages(browser).await?.into_iter().next() {
            Some(target) => Self::at(browser, target, Vec::new()).await,
            None => Self::new(browser).await,
        }
    }

    async fn at(browser: &'a Running, target: String, others: Vec<String>) -> Checked<Self> {
        let attach = json!({ "targetId": target, "flatten": true });
        let session = text(&browser.call("Target.attachToTarget", attach).await?, "sessionId")?;
        let page = Self { browser, target, session, others };
        page.call("Page.enable", json!({})).await?;
        page.call("DOM.enable", json!({})).await?;
        // What the page reports in its console.
        page.call("Runtime.enable", json!({})).await?;
        page.call("Log.enable", json!({})).await?;
        Ok(page)
    }

    pub(super) async fn call(&self, method: &'static str, params: Value) -> Checked<Value> {
        self.browser.devtools.call(Some(&self.session), method, params).await
    }

    /// Closes the page, and the windows that it opened.
    pub(crate) async fn close(&self) {
        let open = pages(self.browser).await.unwrap_or_default();
        for window in open.into_iter().filter(|it| *it != self.target && !self.others.contains(it)) {
            let _ = self.browser.call("Target.closeTarget", json!({ "targetId": window })).await;
        }
        let _ = self.browser.call("Target.closeTarget", json!({ "targetId": self.target })).await;
    }

    /// Whether a frame is that of the page itself: not one within it, and not a window that it opened.
    pub(crate) fn is_itself(&self, frame: &str) -> bool {
        self.target == frame
    }

    /// Whether an event says that the page was closed.
    pub(crate) fn is_closed_by(&self, event: &Event) -> bool {
        event.name == "Target.detachedFromTarget" && event.about["sessionId"] == self.session.as_str()
    }

    /// The frame of the page itself.
    pub(super) fn frame(&self) -> &str {
        &self.target
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
        let mut read = self.call("Runtime.evaluate", wanted).await?;
        if let Some(problem) = read["exceptionDetails"]["exception"]["description"].as_str() {
            return Err(Problem::error(format!("a script of the harness failed in the page: {problem}")));
        }
        Ok(read["result"]["value"].take())
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

    /// What a person reads without the labels of controls, and with them: of the whole page, or where dialogs are open of them
    /// and of alerts.
    pub(crate) async fn lines(&self, whole: bool) -> Checked<[String; 2]> {
        let read = self.evaluate(&format!("({LINES})({whole})")).await?;
        Ok([0, 1].map(|index| read[index].as_str().unwrap_or_default().to_owned()))
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
        let found = self.on(&self.document().await?, ITEM, &[json!({ "value": values })], false).await?;
        Ok(match found["objectId"].as_str() {
            Some(object) => Ok(Handle(object.to_owned())),
            None => Err(found["value"].as_str().and_then(|count| count.parse().ok()).unwrap_or_default()),
        })
    }

    pub(super) async fn document(&self) -> Checked<Handle> {
        let document = self.call("Runtime.evaluate", json!({ "expression": "document" })).await?;
        text(&document["result"], "objectId").map(Handle)
    }

    /// The dialog that was opened last, if one is open.
    pub(crate) async fn dialog(&self) -> Checked<Option<Handle>> {
        let found = self.call("Runtime.evaluate", json!({ "expression": DIALOG })).await?;
        Ok(found["result"]["objectId"].as_str().map(|object| Handle(object.to_owned())))
    }

    /// Whether an element is still part of the page.
    pub(crate) async fn is_connected(&self, handle: &Handle) -> Checked<bool> {
        Ok(self.on(handle, "function () { return this.isConnected; }", &[], true).await?["value"] == true)
    }

    /// The one control that a selector finds, if it finds one.
    pub(crate) async fn by_id(&self, selector: &str) -> Checked<Vec<Element>> {
        let found = self.on(&self.document().await?, BY_SELECTOR, &[json!({ "value": selector })], false).await?;
        let Some(object) = found["objectId"].as_str() else { return Ok(Vec::new()) };
        let mut all = self.elements(Some(&Handle(object.to_owned()))).await?;
        all.truncate(1);
        Ok(all)
    }

    /// Whether a control belongs to another item of the list than this one.
    pub(crate) async fn is_of_another(&self, element: &Element, Handle(item): &Handle) -> Checked<bool> {
        let handle = self.handle(element).await?;
        Ok(self.on(&handle, OF_ANOTHER, &[json!({ "objectId": item })], true).await?["value"] != false)
    }

    /// What selects an item, unless it is selected or has nothing for that.
    pub(crate) async fn selector(&self, item: &Handle) -> Checked<Option<Element>> {
        let found = self.on(item, SELECTOR, &[], false).await?;
        self.element_of(&found, "checkbox").await
    }

    /// Calls a function on an element; each argument is a value or an object.
    pub(super) async fn on(
        &self,
        Handle(object): &Handle,
        function: &str,
        arguments: &[Value],
        by_value: bool,
    ) -> Checked<Value> {
        let wanted = json!({
            "objectId": object, "functionDeclaration": function, "arguments": arguments, "returnByValue": by_value,
        });
        let mut called = self.call("Runtime.callFunctionOn", wanted).await?;
        if let Some(problem) = called["exceptionDetails"]["exception"]["description"].as_str() {
            return Err(Problem::error(format!("a script of the harness failed in the page: {problem}")));
        }
        Ok(called["result"].take())
    }

    pub(super) async fn handle(&self, element: &Element) -> Checked<Handle> {
        let resolved = self.call("DOM.resolveNode", json!({ "backendNodeId": element.node })).await?;
        text(&resolved["object"], "objectId").map(Handle)
    }

    /// Where a click on a control, on its middle, would be. The error is what is in the way.
    pub(crate) async fn place_of(&self, element: &Element) -> Checked<Result<Place, String>> {
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
        let place = Place { x: f64::midpoint(left, right), y: f64::midpoint(top, bottom) };
        let point = [json!({ "value": place.x }), json!({ "value": place.y })];
        let over = self.on(&self.handle(element).await?, COVERS, &point, true).await?;
        Ok(match over["value"].as_str() {
            Some("") | None => Ok(place),
            Some(over) => Err(over.to_owned()),
        })
    }

    /// Clicks there, as a person does.
    pub(crate) async fn click(&self, Place { x, y }: Place) -> Checked {
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            let event = json!({ "type": kind, "x": x, "y": y, "button": button, "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event).await?;
        }
        Ok(())
    }

    /// Replaces the text of a field, as by typing. Returns whether it has the text then.
    pub(crate) async fn fill(&self, element: &Element, value: &str) -> Checked<bool> {
        self.call("DOM.focus", json!({ "backendNodeId": element.node })).await?;
        let handle = self.handle(element).await?;
        self.on(&handle, "function () { if (this.select) this.select(); }", &[], true).await?;
        self.call("Input.insertText", json!({ "text": value })).await?;
        let typed = self.on(&handle, "function () { return this.value; }", &[], true).await?;
        Ok(typed["value"].as_str() == Some(value))
    }

    /// Chooses a value of a list. Returns what the list offers, if not exactly one option is it.
    pub(crate) async fn choose(&self, element: &Element, value: &str) -> Checked<Result<(), String>> {
        let handle = self.handle(element).await?;
        let offered = self.on(&handle, CHOOSE, &[json!({ "value": value })], true).await?;
        Ok(match offered["value"].as_str() {
            Some("") => Ok(()),
            offered => Err(offered.unwrap_or("nothing").to_owned()),
        })
    }
}

/// The pages and windows that are open.
pub(super) async fn pages(browser: &Running) -> Checked<Vec<String>> {
    let all = browser.call("Target.getTargets", json!({})).await?;
    let pages = all["targetInfos"].as_array().into_iter().flatten().filter(|it| it["type"] == "page");
    Ok(pages.filter_map(|it| it["targetId"].as_str()).map(str::to_owned).collect())
}

fn text(value: &Value, name: &str) -> Checked<String> {
    let found = value[name].as_str().map(str::to_owned);
    found.ok_or_else(|| Problem::error(format!("the browser's answer has no {name}")))
}
