//! Controls that have no accessible name, or one that says nothing to a person: known by the label beside them, their title,
//! or the title of the card that they are (aem-ui.md §5.2).

use bpconform_fixtures::ui::Label;
use serde_json::{Value, json};

use super::elements::Element;
use super::page::{Handle, Page};
use crate::problem::Checked;

/// What the scripts share: which elements a person sees, and how two texts are compared.
macro_rules! script {
    ($arguments:literal, $body:literal) => {
        concat!(
            "function ",
            $arguments,
            " {
  const plain = (text) => (text || '').replace(/\\s+/g, ' ').trim().replace(/\\*+$/, '').trim().toLowerCase();
  const modals = [...document.querySelectorAll('dialog:modal, [aria-modal=true]')];
  const seen = (it) => it.getClientRects().length > 0 && getComputedStyle(it).visibility !== 'hidden';
  const modal = modals.filter(seen).pop();
  const shown = (it) => seen(it) && !it.closest('[aria-hidden=true], [inert]') && !(modal && !modal.contains(it));
  const innermost = (all) => all.filter((it) => !all.some((other) => other !== it && it.contains(other)));
",
            $body,
            "}"
        )
    };
}

/// The controls of some kinds whose label is one of some texts, by the first kind of label that fits any.
const LABELLED: &str = script!(
    "(texts, kinds)",
    "  const selectors = {
    press: 'button, a[href], [role=button], [role=tab], [role=menuitem], [role=treeitem], [role=link], [title]',
    type: 'input:not([type=hidden], [type=checkbox], [type=radio], [type=submit], [type=button]), textarea, [role=textbox]',
    choose: 'select, [role=combobox], [role=listbox], [aria-haspopup]',
    tick: '[type=checkbox], [role=checkbox], [role=switch]',
  };
  const wanted = texts.map(plain);
  const is = (text) => wanted.includes(plain(text));
  const named = (ids) => (ids || '').split(/\\s+/).map((id) => document.getElementById(id)).filter(Boolean);
  const beside = (it) => {
    const labels = [...(it.closest('.coral-Form-fieldwrapper')?.querySelectorAll('label') || [])];
    return labels.length === 1 ? labels : [];
  };
  const field = [
    (it) => named(it.getAttribute('aria-labelledby')).map((label) => label.textContent),
    (it) => [...(it.labels || [])].map((label) => label.textContent),
    (it) => beside(it).map((label) => label.textContent),
    (it) => [it.title, it.getAttribute('placeholder')],
  ];
  const control = [(it) => [it.getAttribute('title')]];
  for (const kind of kinds) {
    const all = [...this.querySelectorAll(selectors[kind])].filter(shown);
    for (const labels of kind === 'press' ? control : field) {
      const found = innermost(all.filter((it) => labels(it).some(is)));
      if (found.length) return found;
    }
  }
  if (!kinds.includes('press')) return [];
  // A card has no role; it is known by its title.
  const cards = '[data-globalnav-anchor-href], coral-card, .foundation-collection-item';
  const titles = [...this.querySelectorAll('coral-card-title, .foundation-collection-item-title')].filter(shown);
  return innermost([...new Set(titles.filter((it) => is(it.textContent)).map((it) => it.closest(cards)).filter(Boolean))]);
"
);

/// The one field without a label of its own beside a check box or another control with one of some texts.
const BESIDE: &str = script!(
    "(texts)",
    "  const wanted = texts.map(plain);
  const marks = [...this.querySelectorAll('label, button, [role=checkbox]')].filter(seen);
  const [mark, ...more] = innermost(marks.filter((it) => wanted.includes(plain(it.innerText))));
  if (!mark || more.length) return [];
  const fields = 'input:not([type=hidden], [type=checkbox], [type=radio], [type=submit], [type=button]), textarea';
  for (let at = mark.parentElement; at; at = at.parentElement) {
    const found = [...at.querySelectorAll(fields)].filter(shown);
    if (found.length) return found.length === 1 && !found[0].labels?.length ? found : [];
  }
  return [];
"
);

/// Whether the accessible name of a control is only that of its icon, while its title says something else.
const NAMED_BY_ICON: &str = script!(
    "(name)",
    "  const icon = this.getAttribute('icon') || this.querySelector('[icon]')?.getAttribute('icon');
  const title = this.getAttribute('title');
  return Boolean(icon && title && plain(icon) === plain(name) && plain(title) !== plain(name));
"
);

/// What closes something that is laid over the page, while it is shown.
const CLOSES: &str = script!(
    "(over, close)",
    "  const open = [...document.querySelectorAll(over)].filter(seen).pop();
  return (open && [...open.querySelectorAll(close)].find(seen)) || null;
"
);

/// The kinds of controls that roles stand for, as the scripts name them.
fn kinds(roles: &[&str]) -> Vec<&'static str> {
    let known = [("treeitem", "press"), ("textbox", "type"), ("combobox", "choose"), ("checkbox", "tick")];
    known.into_iter().filter(|(role, _)| roles.contains(role)).map(|(_, kind)| kind).collect()
}

fn texts(labels: &[&Label]) -> Vec<String> {
    labels.iter().flat_map(|label| label.texts()).map(str::to_owned).collect()
}

impl Page<'_> {
    /// The controls of these roles with one of these labels that have another accessible name, or none.
    pub(crate) async fn labelled(
        &self,
        within: Option<&Handle>,
        roles: &[&str],
        labels: &[&Label],
    ) -> Checked<Vec<Element>> {
        let arguments = [json!({ "value": texts(labels) }), json!({ "value": kinds(roles) })];
        self.found_by(within, LABELLED, &arguments, roles.first().unwrap_or(&"control")).await
    }

    /// The one field beside a control with one of these labels.
    pub(crate) async fn field_beside(&self, label: &Label) -> Checked<Vec<Element>> {
        self.found_by(None, BESIDE, &[json!({ "value": texts(&[label]) })], "textbox").await
    }

    /// Whether the accessible name of a control is that of its icon only.
    pub(crate) async fn is_named_by_icon(&self, element: &Element) -> Checked<bool> {
        let name = [json!({ "value": element.name })];
        Ok(self.on(&self.handle(element).await?, NAMED_BY_ICON, &name, true).await?["value"] == true)
    }

    /// What closes something that is laid over the page, if it is shown; both are selectors.
    pub(crate) async fn what_closes(&self, over: &str, close: &str) -> Checked<Option<Element>> {
        let selectors = [json!({ "value": over }), json!({ "value": close })];
        let found = self.on(&self.document().await?, CLOSES, &selectors, false).await?;
        self.element_of(&found, "button").await
    }

    async fn found_by(
        &self,
        within: Option<&Handle>,
        script: &str,
        arguments: &[Value],
        role: &str,
    ) -> Checked<Vec<Element>> {
        let root = match within {
            Some(element) => element.clone(),
            None => self.document().await?,
        };
        let array = self.on(&root, script, arguments, false).await?;
        let Some(object) = array["objectId"].as_str() else { return Ok(Vec::new()) };
        let mut own = self.call("Runtime.getProperties", json!({ "objectId": object, "ownProperties": true })).await?;
        let mut found = Vec::new();
        for property in own["result"].take().as_array().into_iter().flatten() {
            found.extend(self.element_of(&property["value"], role).await?);
        }
        Ok(found)
    }

    /// The control that a script has returned, with what a person knows of it; none if it returned no element.
    pub(super) async fn element_of(&self, found: &Value, role: &str) -> Checked<Option<Element>> {
        const STATE: &str = "function () {
            const name = (this.getAttribute('title') || this.textContent || '').trim().slice(0, 80);
            return [name, this.disabled === true || this.getAttribute('aria-disabled') === 'true'];
        }";
        let Some(object) = found["objectId"].as_str().filter(|_| found["subtype"] == "node") else { return Ok(None) };
        let described = self.call("DOM.describeNode", json!({ "objectId": object })).await?;
        let state = self.on(&Handle(object.to_owned()), STATE, &[], true).await?;
        let (name, disabled) = (state["value"][0].as_str().unwrap_or_default().to_owned(), state["value"][1] == true);
        let node = described["node"]["backendNodeId"].as_i64();
        Ok(node.map(|node| Element { role: role.to_owned(), name, disabled, node }))
    }
}
