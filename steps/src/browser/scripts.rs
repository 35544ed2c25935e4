//! The scripts that read and use a page.

/// The item of a list that has one of these values: in an attribute, in a hidden field, or as its title.
pub(super) const ITEM: &str = "function (values) {
  const kinds = '.foundation-collection-item, [data-foundation-collection-item-id], coral-card, article, li, tr, \
[role=listitem], [role=row], [role=article]';
  const text = (element) => (element.textContent || '').trim();
  const titles = 'h1, h2, h3, h4, coral-card-title, .foundation-collection-item-title, [role=heading], th, td, a, strong';
  const has = (item) => [item, ...item.querySelectorAll('*')].some((element) =>
    [...element.attributes].some((attribute) => values.includes(attribute.value))
      || (element.matches(titles) && values.includes(text(element))));
  const all = [...this.querySelectorAll(kinds)].filter(has);
  const inner = all.filter((item) => !all.some((other) => other !== item && item.contains(other)));
  // A card is part of its item, which has more controls.
  const whole = inner.map((item) => item.closest('.foundation-collection-item, [data-foundation-collection-item-id]') || item);
  const items = [...new Set(whole)];
  return items.length === 1 ? items[0] : String(items.length);
}";

/// What is in the way of a click at a point, if anything is.
pub(super) const COVERS: &str = "function (x, y) {
  const top = document.elementFromPoint(x, y);
  if (!top) return 'the edge of the window';
  if (top === this || this.contains(top) || top.contains(this) && getComputedStyle(top).display === 'contents') return '';
  const label = top.closest('label');
  if (label && (label.contains(this) || label.control === this)) return '';
  if (top.contains(this)) return '';
  return top.tagName.toLowerCase() + (top.id ? '#' + top.id : '') + ' \"' + (top.textContent || '').trim().slice(0, 40) + '\"';
}";

/// Chooses a value of a list of the page, by the option's value, its text, or its text up to a note in brackets; returns
/// what it offers if that is not exactly one option.
pub(super) const CHOOSE: &str = "function (wanted) {
  const options = [...this.options];
  const low = (text) => text.trim().toLowerCase();
  const only = (is) => {
    const all = options.filter(is);
    return all.length ? all : null;
  };
  const [found, ...more] = only((option) => option.value === wanted)
    || only((option) => low(option.text) === low(wanted))
    || only((option) => low(option.text.replace(/\\s*[(（].*/, '')) === low(wanted)) || [];
  if (!found || more.length) return options.map((option) => option.text.trim()).join(', ') || 'nothing';
  this.value = found.value;
  this.dispatchEvent(new Event('input', { bubbles: true }));
  this.dispatchEvent(new Event('change', { bubbles: true }));
  return '';
}";

/// Whether an element is in another item of the list than this one: in one of its kind that does not contain it.
pub(super) const OF_ANOTHER: &str = "function (item) {
  const kinds = '[data-foundation-collection-item-id], article, li, tr, [role=listitem], [role=row], [role=article]';
  for (let at = this; at && !at.contains(item); at = at.parentElement) {
    if (item.contains(at)) return false;
    if (at.tagName === item.tagName && (at.matches(kinds) || at.className === item.className)) return true;
  }
  return false;
}";

/// What selects an item of a list, unless it is selected.
pub(super) const SELECTOR: &str = "function () {
  const kinds = '[type=checkbox], [role=checkbox], [type=radio], [role=radio], td:first-child img, \
td:first-child coral-icon, tr .foundation-collection-item-thumbnail, coral-columnview-item-thumbnail, \
coral-quickactions-item[icon=check], coral-quickactions [icon=check]';
  if (this.matches('[aria-selected=true], .foundation-selections-item')) return null;
  const found = [...this.querySelectorAll(kinds)].find((element) => element.getClientRects().length);
  return !found || found.checked || found.getAttribute('aria-checked') === 'true' ? null : found;
}";

/// The dialog that was opened last.
pub(super) const DIALOG: &str = "(() => {
  const shown = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility !== 'hidden';
  const dialogs = '[role=dialog], [role=alertdialog], dialog[open], coral-dialog[open]';
  return [...document.querySelectorAll(dialogs)].filter(shown).pop() || null;
})()";

/// The elements of a selector that are shown.
pub(super) const BY_SELECTOR: &str = "function (selector) {
  const shown = [...this.querySelectorAll(selector)].filter((element) => element.getClientRects().length);
  return shown.length === 1 ? shown[0] : null;
}";

/// The text that a person sees: of the open dialogs, otherwise of the page.
pub(super) const SEEN: &str = "(() => {
  const shown = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility !== 'hidden';
  const dialogs = [...document.querySelectorAll('[role=dialog], [role=alertdialog], dialog[open], coral-dialog[open]')];
  const open = dialogs.filter(shown);
  const all = open.length ? open : [document.body];
  return all.map((element) => element ? element.innerText : '').join('\\n');
})()";

/// The lines that a person reads on a page, or where dialogs are open in them and in alerts: without the labels of controls,
/// which say nothing about a result, and with them. It enters shadow roots and frames, and changes nothing on the page.
pub(super) const LINES: &str = "(whole) => {
  const controls = 'a, button, select, nav, summary, [role=button], [role=link], [role=menuitem], [role=navigation], \
[role=option], [role=tab]';
  const silent = 'script, style, noscript, template, textarea, option';
  const shown = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility !== 'hidden';
  const read = (tops, labels) => {
    const lines = [];
    let line = '';
    const end = () => {
      if (line.trim()) lines.push(line);
      line = '';
    };
    const text = (data, style) => {
      if (style.visibility !== 'visible') return;
      data.split(style.whiteSpace.startsWith('pre') ? /\\n/ : /(?!)/).forEach((part, index) => {
        if (index) end();
        line += part.replace(/\\s+/g, ' ');
      });
    };
    const walk = (node, style) => {
      if (node.nodeType === Node.TEXT_NODE) return text(node.data, style);
      if (node.nodeType !== Node.ELEMENT_NODE || node.matches(silent)) return;
      if (!labels && node.matches(controls)) return void (line += ' ');
      if (node.tagName === 'BR') return end();
      const own = getComputedStyle(node);
      if (own.display === 'none') return;
      const block = !own.display.startsWith('inline') && own.display !== 'contents';
      if (block) end();
      const frame = node.tagName === 'IFRAME' && node.contentDocument?.body;
      const slotted = node.tagName === 'SLOT' ? node.assignedNodes() : [];
      const closed = node.tagName === 'DETAILS' && !node.open;
      const inner = frame ? [frame] : slotted.length ? slotted : (node.shadowRoot || node).childNodes;
      [...inner].filter((it) => !closed || it.tagName === 'SUMMARY').forEach((it) => walk(it, own));
      if (block) end();
    };
    tops.forEach((top) => {
      walk(top, getComputedStyle(top));
      end();
    });
    return lines.join('\\n');
  };
  const find = (kinds) => [...document.querySelectorAll(kinds)].filter(shown);
  const dialogs = whole ? [] : find('[role=dialog], [role=alertdialog], dialog[open], coral-dialog[open]');
  const alerts = dialogs.length ? find('[role=alert], [role=status], coral-toast, coral-alert') : [];
  const open = [...dialogs, ...alerts].filter((it, _, all) => !all.some((other) => other !== it && other.contains(it)));
  const tops = open.length ? open : document.body ? [document.body] : [];
  return [read(tops, false), read(tops, true)];
}";
