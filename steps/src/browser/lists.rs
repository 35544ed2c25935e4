//! Lists of values that are no `<select>`: a control that opens a list of options, within it or elsewhere on the page.

use serde_json::json;

use super::elements::Element;
use super::page::Page;
use crate::problem::Checked;

/// The open list's one option for a value: by the option's value, its text, or its text up to a note in brackets. Otherwise
/// what it offers, or nothing if no list is open.
const OPTION: &str = "function (wanted) {
  const shown = (it) => it.getClientRects().length > 0 && getComputedStyle(it).visibility !== 'hidden';
  const ids = [this.getAttribute('aria-controls'), this.getAttribute('aria-owns')].join(' ').split(/\\s+/);
  const named = ids.map((id) => document.getElementById(id)).filter(Boolean);
  const host = this.closest('coral-select, [role=combobox]');
  const kinds = '[role=option], coral-selectlist-item';
  const within = (roots) => roots.flatMap((root) => [...root.querySelectorAll(kinds)]).filter(shown);
  const all = [within(named), host ? within([host]) : [], within([document])].find((found) => found.length) || [];
  const low = (text) => (text || '').replace(/\\s+/g, ' ').trim().toLowerCase();
  const ways = [
    (it) => (it.getAttribute('value') ?? it.dataset.value) === wanted,
    (it) => low(it.textContent) === low(wanted),
    (it) => low(it.textContent.replace(/\\s*[(（].*/, '')) === low(wanted),
  ];
  const [found, ...more] = ways.map((is) => all.filter(is)).find((fit) => fit.length) || [];
  if (found && !more.length) return found;
  return all.map((it) => it.textContent.trim()).join(', ');
}";

/// Whether the control shows that option as its value, whole and outside of the options within it.
const SHOWS: &str = "function (text) {
  const low = (it) => (it || '').replace(/\\s+/g, ' ').trim().toLowerCase();
  const shown = this.cloneNode(true);
  const options = '[role=option], [role=listbox], coral-selectlist, coral-selectlist-item, coral-select-item, option';
  shown.querySelectorAll(options).forEach((it) => it.remove());
  const chosen = [...this.querySelectorAll('[role=option][aria-selected=true]')];
  return [this.value, shown.textContent].some((it) => low(it) === low(text))
    || chosen.length === 1 && low(chosen[0].textContent) === low(text);
}";

impl Page<'_> {
    /// Whether a list is a `<select>`, which needs not be opened.
    pub(crate) async fn is_select(&self, list: &Element) -> Checked<bool> {
        let is = "function () { return this.tagName === 'SELECT'; }";
        Ok(self.on(&self.handle(list).await?, is, &[], true).await?["value"] == true)
    }

    /// The option of an open list for a value. The error is what the list offers instead.
    pub(crate) async fn option(&self, list: &Element, value: &str) -> Checked<Result<Element, String>> {
        let found = self.on(&self.handle(list).await?, OPTION, &[json!({ "value": value })], false).await?;
        Ok(match self.element_of(&found, "option").await? {
            Some(option) => Ok(option),
            None => Err(found["value"].as_str().unwrap_or_default().to_owned()),
        })
    }

    /// Whether a list shows that text as its value.
    pub(crate) async fn shows_value(&self, list: &Element, text: &str) -> Checked<bool> {
        Ok(self.on(&self.handle(list).await?, SHOWS, &[json!({ "value": text })], true).await?["value"] == true)
    }

    /// Moves the pointer over an item of a list: some of its controls appear only then.
    pub(crate) async fn hover(&self, item: &super::page::Handle) -> Checked {
        const MIDDLE: &str = "function () {
            this.scrollIntoView({ block: 'center' });
            const box = this.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        }";
        let middle = self.on(item, MIDDLE, &[], true).await?;
        let (x, y) = (&middle["value"][0], &middle["value"][1]);
        let event = json!({ "type": "mouseMoved", "x": x, "y": y, "button": "none" });
        self.call("Input.dispatchMouseEvent", event).await.map(drop)
    }
}
