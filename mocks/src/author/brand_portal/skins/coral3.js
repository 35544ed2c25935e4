// Elements with the roles, names and classes that were measured of Coral 3 1.5.42, as far as the pages of the mocked Author
// use them. They are written for the mock; nothing of them is taken from Adobe's library.
(() => {
  'use strict';

  const define = (name, type, parent) =>
    customElements.define(name, type, parent ? { extends: parent } : undefined);
  const make = (name, attributes = {}, text = '') => {
    const element = document.createElement(name, attributes.is ? { is: attributes.is } : undefined);
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    if (text) element.textContent = text;
    return element;
  };
  let made = 0;
  const id = (element) => {
    if (!element.id) element.id = `coral-id-${made++}`;
    return element.id;
  };
  // The library upgrades its elements after the document was parsed.
  const later = (element, upgrade) => setTimeout(() => {
    if (element.upgraded || !element.isConnected) return;
    element.upgraded = true;
    upgrade();
  });

  // An icon is named by its own name, not by the title of what it is in.
  const icon = (name) => make('coral-icon', { icon: name, role: 'img', 'aria-label': name, class: 'coral3-Icon' });

  const dress = (element, kind) => later(element, () => {
    const text = element.textContent.trim();
    const name = element.getAttribute('icon');
    element.classList.add(`coral3-${kind}`);
    element.textContent = '';
    if (name) {
      const image = icon(name);
      // With a text the icon has no name; a blank is left of it.
      if (text) image.setAttribute('aria-label', ' ');
      element.append(image, ' ');
    }
    if (text) element.append(make(`coral-${kind.toLowerCase()}-label`, {}, text));
  });

  define('coral-button', class extends HTMLButtonElement {
    connectedCallback() {
      if (!this.hasAttribute('type')) this.type = 'button';
      dress(this, 'Button');
    }
  }, 'button');
  define('coral-buttonlist-item', class extends HTMLButtonElement {
    connectedCallback() {
      if (!this.hasAttribute('type')) this.type = 'button';
      this.setAttribute('role', 'menuitem');
      this.classList.add('coral3-BasicList-item');
    }
  }, 'button');
  define('coral-anchorbutton', class extends HTMLAnchorElement {
    connectedCallback() {
      this.setAttribute('role', 'button');
      dress(this, 'AnchorButton');
    }
  }, 'a');
  define('coral-shell-homeanchor', class extends HTMLAnchorElement {
    connectedCallback() {
      later(this, () => {
        const text = this.textContent.trim();
        this.textContent = '';
        this.append(icon(this.getAttribute('icon')), make('span', { 'aria-hidden': 'true' }, ` ${text}`));
      });
    }
  }, 'a');

  const labelled = (element) => {
    const by = element.getAttribute('labelledby');
    if (by) element.setAttribute('aria-labelledby', by);
  };
  define('coral-textfield', class extends HTMLInputElement {
    connectedCallback() { this.classList.add('coral3-Textfield'); labelled(this); }
  }, 'input');
  define('coral-textarea', class extends HTMLTextAreaElement {
    connectedCallback() { this.classList.add('coral3-Textarea'); labelled(this); }
  }, 'textarea');

  define('coral-checkbox', class extends HTMLElement {
    connectedCallback() {
      later(this, () => {
        const text = this.textContent.trim();
        const input = make('input', { type: 'checkbox', class: 'coral3-Checkbox-input' });
        if (this.getAttribute('name')) input.name = this.getAttribute('name');
        input.value = this.getAttribute('value') || 'on';
        const mark = make('span', { class: 'coral3-Checkbox-checkmark' });
        const label = make('label', { class: 'coral3-Checkbox-description', for: id(input) }, text);
        this.textContent = '';
        this.append(input, mark, label);
      });
    }
    get checked() { return Boolean(this.querySelector('input')?.checked); }
  });

  // A list of values: a button with a menu, whose name is that of the label only; the list is an overlay within it.
  define('coral-select', class extends HTMLElement {
    connectedCallback() { later(this, () => this.upgrade()); }
    upgrade() {
      this.classList.add('coral3-Select');
      const items = [...this.querySelectorAll('coral-select-item')];
      this.field = make('input', { type: 'hidden', name: this.getAttribute('name') });
      this.button = make('button', { type: 'button', class: 'coral3-Select-button', 'aria-haspopup': 'menu' });
      if (this.getAttribute('labelledby')) this.button.setAttribute('aria-labelledby', this.getAttribute('labelledby'));
      this.shownValue = make('span', { class: 'coral3-Select-label' }, this.getAttribute('placeholder') || '');
      this.button.append(this.shownValue);
      this.overlay = make('coral-overlay', { class: 'coral3-Select-overlay' });
      this.overlay.hidden = true;
      this.button.onclick = () => (this.overlay.hidden ? this.open() : this.close());
      this.append(this.field, this.button, this.overlay);
      const first = items.find((item) => item.hasAttribute('selected')) || (!this.hasAttribute('placeholder') && items[0]);
      if (first) this.take(first.getAttribute('value'), first.textContent.trim());
    }
    // The items of the list are made when it is opened, a moment later.
    open() {
      this.overlay.hidden = false;
      setTimeout(() => {
        const list = make('coral-selectlist', { role: 'listbox', tabindex: '-1' });
        this.querySelectorAll('coral-select-item').forEach((item) => {
          const value = item.getAttribute('value');
          const option = make('coral-selectlist-item', { role: 'option', value, tabindex: '-1' }, item.textContent.trim());
          option.setAttribute('aria-selected', String(value === this.value));
          option.onclick = () => {
            this.take(value, option.textContent);
            this.close();
          };
          list.append(option);
        });
        this.overlay.replaceChildren(list);
      }, 100);
    }
    close() {
      this.overlay.hidden = true;
      this.overlay.replaceChildren();
    }
    take(value, text) {
      this.field.value = value;
      this.shownValue.textContent = text;
      this.dispatchEvent(new Event('change', { bubbles: true }));
    }
    get value() { return this.field ? this.field.value : ''; }
    set value(wanted) {
      const item = [...this.querySelectorAll('coral-select-item')].find((it) => it.getAttribute('value') === wanted);
      if (item) this.take(wanted, item.textContent.trim());
    }
  });

  // Tabs: named by their icon, whatever their title says.
  define('coral-tab', class extends HTMLElement {
    connectedCallback() {
      this.setAttribute('role', 'tab');
      this.tabIndex = 0;
      if (this.getAttribute('icon') && !this.childElementCount) this.append(icon(this.getAttribute('icon')));
      this.onclick = () => this.closest('coral-tabview')?.select(this);
    }
  });
  define('coral-tabview', class extends HTMLElement {
    connectedCallback() {
      later(this, () => {
        this.querySelector('coral-tablist').setAttribute('role', 'tablist');
        this.querySelectorAll('coral-panel').forEach((panel) => panel.setAttribute('role', 'tabpanel'));
        this.select(this.querySelector('coral-tab[selected]') || this.querySelector('coral-tab'));
      });
    }
    select(tab) {
      const tabs = [...this.querySelectorAll('coral-tab')];
      const panels = [...this.querySelectorAll('coral-panel')];
      tabs.forEach((other, index) => {
        other.setAttribute('aria-selected', String(other === tab));
        other.toggleAttribute('selected', other === tab);
        panels[index].hidden = other !== tab;
      });
    }
  });

  define('coral-step', class extends HTMLElement {
    connectedCallback() {
      this.setAttribute('role', 'tab');
      this.parentElement.setAttribute('role', 'tablist');
      this.mark();
    }
    mark() { this.setAttribute('aria-selected', String(this.hasAttribute('selected'))); }
    static get observedAttributes() { return ['selected']; }
    attributeChangedCallback() {
      this.classList.toggle('is-selected', this.hasAttribute('selected'));
      this.mark();
    }
  });

  define('coral-columnview', class extends HTMLElement {
    connectedCallback() { this.setAttribute('role', 'tree'); }
  });
  define('coral-columnview-item', class extends HTMLElement {
    connectedCallback() {
      this.setAttribute('role', 'treeitem');
      this.tabIndex = -1;
      this.onclick = () => {
        this.parentElement.querySelectorAll('coral-columnview-item').forEach((item) => {
          item.classList.toggle('is-active', item === this);
          item.toggleAttribute('active', item === this);
          item.setAttribute('aria-expanded', String(item === this));
        });
        this.dispatchEvent(new CustomEvent('coral-columnview:activeitemchange', {
          bubbles: true, detail: { activeItem: this } }));
      };
    }
  });

  define('coral-quickactions-item', class extends HTMLElement {
    connectedCallback() {
      if (this.childElementCount) return;
      const title = this.textContent.trim();
      this.textContent = '';
      this.append(make('button', { is: 'coral-button', icon: this.getAttribute('icon'), title }));
    }
  });

  define('coral-popover', class extends HTMLElement {
    connectedCallback() {
      this.hidden = true;
      const target = document.querySelector(this.getAttribute('target'));
      target?.addEventListener('click', () => this.toggle(this.hidden));
      this.addEventListener('click', () => this.toggle(false));
      // A menu closes when something else is clicked.
      this.elsewhere = (event) => {
        if (!this.contains(event.target) && !target?.contains(event.target)) this.toggle(false);
      };
      document.addEventListener('click', this.elsewhere, true);
    }
    disconnectedCallback() { document.removeEventListener('click', this.elsewhere, true); }
    toggle(open) {
      this.hidden = !open;
      this.classList.toggle('is-open', open);
    }
    hide() { this.toggle(false); }
  });

  // While a dialog is open, all else of the page is hidden from a screen reader.
  const others = (dialog) => [...document.body.children].filter((it) => it !== dialog && it.tagName !== 'SCRIPT');
  define('coral-dialog', class extends HTMLElement {
    connectedCallback() {
      this.classList.add('coral3-Dialog');
      const isPlain = (this.getAttribute('variant') || 'default') === 'default';
      // Only the default variant has a name and a heading.
      this.setAttribute('role', isPlain ? 'dialog' : 'alertdialog');
      const header = this.querySelector('coral-dialog-header');
      if (isPlain && header) {
        header.setAttribute('role', 'heading');
        header.setAttribute('aria-level', '2');
        this.setAttribute('aria-labelledby', id(header));
      }
      this.addEventListener('click', (event) => {
        if (event.target.closest('[coral-close]')) this.hide();
      });
    }
    show() {
      this.setAttribute('open', '');
      this.classList.add('is-open');
      others(this).forEach((it) => it.setAttribute('aria-hidden', 'true'));
    }
    hide() {
      this.removeAttribute('open');
      this.classList.remove('is-open');
      others(this).forEach((it) => it.removeAttribute('aria-hidden'));
      this.dispatchEvent(new CustomEvent('coral-overlay:close', { bubbles: true }));
    }
  });

  define('coral-wait', class extends HTMLElement {
    connectedCallback() { this.setAttribute('role', 'progressbar'); }
  });

  window.Coral = { commons: { ready: (element, then) => setTimeout(() => then(element), 20) } };
})();
