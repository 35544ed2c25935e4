//! The scripts that replace what a page shows for the moment of a picture. They run in a world of their own.

/// Collects all texts of the page, up to a number: each with the name of its field, whether it is a password, and whether
/// it is no attribute. What cannot
/// be read, such as a frame or a drawing, is collected to be hidden as a whole.
pub(super) const READ: &str = "function (most) {
  const all = [];
  const hidden = [];
  const attributes = ['placeholder', 'title', 'alt', 'label', 'aria-label', 'aria-description', 'aria-valuetext', \
'aria-roledescription', 'data-title'];
  const buttons = 'input[type=submit], input[type=button], input[type=reset]';
  const drawn = 'canvas, video, object, embed, iframe, frame, img[src^=\"data:\"], img[src^=\"blob:\"], img[src$=\".svg\"]';
  const add = (name, get, put, isPassword, isField, isText) => {
    const text = get();
    if (text && text.trim() && all.length < most) all.push({ name, text, get, put, isPassword, isField, isText });
  };
  const field = (element) => {
    const name = [element.name, element.id, element.getAttribute('aria-label'), element.labels?.[0]?.innerText]
      .find((it) => it) || '';
    add(name, () => element.value, (text) => { element.value = text; }, element.type === 'password', true);
  };
  const visit = (root) => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.nodeType === Node.TEXT_NODE) {
        if (/^(script|style|template|noscript)$/i.test(node.parentElement?.tagName || '')) continue;
        const text = node;
        add('', () => text.data, (it) => { text.data = it; }, false, false, true);
        continue;
      }
      const element = node;
      for (const name of attributes)
        if (element.hasAttribute(name))
          add('', () => element.getAttribute(name), (it) => element.setAttribute(name, it), false, false);
      if (element.matches(buttons)) add('', () => element.value, (it) => { element.value = it; }, false, true);
      else if (element.matches('textarea, input:not([type=file], [type=hidden], [type=checkbox], [type=radio])')) field(element);
      if (element.matches(drawn)) hidden.push(element);
      if (element.shadowRoot) visit(element.shadowRoot);
    }
  };
  visit(document);
  globalThis.bpconformMasks = { all, hidden, changed: [], covered: [] };
  return all.map(({ name, text, isPassword, isText }) => [name, text, Boolean(isPassword), Boolean(isText)]);
}";

/// Replaces these texts, by their number, and hides what cannot be read.
pub(super) const MASK: &str = "function (changes) {
  const masks = globalThis.bpconformMasks;
  for (const [index, text] of changes) {
    const one = masks.all[index];
    const change = { one, before: one.get() };
    masks.changed.push(change);
    one.put(text);
    change.mask = one.get();
  }
  // With a transition it would become invisible only after the picture.
  for (const element of masks.hidden) for (const [name, to] of [['transition', 'none'], ['visibility', 'hidden']]) {
    const { style } = element;
    masks.covered.push([element, name, style.getPropertyValue(name), style.getPropertyPriority(name)]);
    style.setProperty(name, to, 'important');
  }
}";

/// Puts everything back that the page itself has not changed meanwhile. Returns whether each field is as it was.
pub(super) const PUT_BACK: &str = "function () {
  const masks = globalThis.bpconformMasks;
  let whole = true;
  for (const { one, before, mask } of masks.changed.reverse()) {
    if (one.get() !== mask) continue;
    one.put(before);
    if (one.isField && one.get() !== before) whole = false;
  }
  for (const [element, name, value, priority] of masks.covered.reverse()) {
    if (value) element.style.setProperty(name, value, priority);
    else element.style.removeProperty(name);
  }
  delete globalThis.bpconformMasks;
  return whole;
}";
