// What the pages of the mocked Author do: lists that are loaded later, selections with their action bar, wizards, forms,
// dialogs and notifications. Written for the mock; it uses the elements of Coral, whoever defines them.
(() => {
  'use strict';

  const words = document.body.dataset;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);
  const escaped = (text) => {
    const element = document.createElement('span');
    element.textContent = text;
    return element.innerHTML;
  };
  const whenReady = (element, then) => window.Coral.commons.ready(element, then);

  // ---------------------------------------------------------------- requests
  const token = async () => (await (await fetch(words.tokenSource)).json()).token;

  const send = async (method, url, fields) => {
    const query = new URLSearchParams(fields);
    const answer = method === 'GET'
      ? await fetch(`${url}?${query}`)
      : await fetch(url, { method, headers: { [words.tokenHeader]: await token() }, body: query });
    return { ok: answer.ok, status: answer.status, text: await answer.text() };
  };

  // The title and the text of an answer: of a page, of JSON, or all of it.
  const told = (text) => {
    try {
      return { title: '', text: JSON.parse(text)['status.message'] || '' };
    } catch {
      if (!text.trimStart().startsWith('<')) return { title: '', text: text.trim() };
    }
    const page = new DOMParser().parseFromString(text, 'text/html');
    const parts = all('p:not(:has(a)), pre', page).map((part) => part.textContent.trim());
    return { title: one('h1', page)?.textContent.trim() || '', text: parts.filter(Boolean).join('\n') };
  };

  // ---------------------------------------------------------------- dialogs and notifications
  const dialog = (variant, title, text, buttons) => {
    const element = document.createElement('coral-dialog');
    element.setAttribute('variant', variant);
    const footer = buttons.map(([label, kind], index) =>
      `<button is="coral-button" variant="${kind}" data-index="${index}">${escaped(label)}</button>`);
    element.innerHTML = `<coral-dialog-header>${escaped(title)}</coral-dialog-header>
      <coral-dialog-content>${text.split('\n').map((line) => `<p>${escaped(line)}</p>`).join('')}</coral-dialog-content>
      <coral-dialog-footer>${footer.join('')}</coral-dialog-footer>`;
    document.body.append(element);
    element.addEventListener('click', (event) => {
      const button = event.target.closest('[data-index]');
      if (!button) return;
      element.hide();
      buttons[button.dataset.index][2]?.();
      setTimeout(() => element.remove(), 1000);
    });
    whenReady(element, () => element.show());
    return element;
  };
  const alertOf = (problem) => dialog('error', words.textError, problem || words.textError, [[words.textClose, 'primary']]);

  const notify = (text) => {
    const element = document.createElement('div');
    element.className = 'foundation-ui-notification';
    element.setAttribute('role', 'alert');
    element.textContent = text;
    document.body.append(element);
    setTimeout(() => element.remove(), 8000);
  };
  const KEPT = 'bpconform.notification';
  const notifyAfterwards = (text) => sessionStorage.setItem(KEPT, text);
  if (sessionStorage.getItem(KEPT)) {
    notify(sessionStorage.getItem(KEPT));
    sessionStorage.removeItem(KEPT);
  }

  // ---------------------------------------------------------------- lists
  const added = new URLSearchParams(location.search).get('added');
  const isAdded = (item) => item.dataset.foundationCollectionItemId === added
    || one('.foundation-collection-item-title', item)?.textContent.trim() === added;

  // The entry that was just created is marked. AEM makes some of it later: then the list is loaded again.
  const markAdded = (list, left) => {
    const item = all('.foundation-collection-item', list).find(isAdded);
    if (item) {
      item.classList.add('is-new');
      item.setAttribute('aria-current', 'true');
      item.scrollIntoView({ block: 'center' });
    } else if (left) {
      setTimeout(() => load(list, left - 1), 700);
    }
  };
  const load = async (list, left) => {
    const answer = await fetch(list.dataset.foundationCollectionSrc);
    if (!answer.ok) return alertOf(String(answer.status));
    const text = await answer.text();
    list.innerHTML = text;
    list.classList.add('is-lazyLoaded');
    if (added && list.matches('.foundation-collection-main')) markAdded(list, left);
  };
  all('[data-foundation-collection-src]').forEach((list) => load(list, 10));

  // ---------------------------------------------------------------- selection
  const selected = () => all('.foundation-selections-item');
  const showMode = () => {
    const count = selected().length;
    all('.granite-collection-selectionbar').forEach((bar) => { bar.hidden = !count; });
    all('.granite-title-bar').forEach((bar) => { bar.hidden = Boolean(count); });
    all('.foundation-admin-selectionstatus').forEach((status) => { status.textContent = count; });
  };
  const select = (item, on) => {
    selected().filter((other) => other !== item).forEach((other) => select(other, false));
    item.classList.toggle('foundation-selections-item', on);
    item.setAttribute('aria-selected', String(on));
    all('.foundation-collection-item-select', item).forEach((box) => { box.checked = on; });
    showMode();
  };

  // ---------------------------------------------------------------- actions of what is selected
  const run = async (action, item) => {
    const answer = await send(action.method, action.url, { [action.field]: item.dataset.foundationCollectionItemId });
    const { title, text } = told(answer.text);
    if (!answer.ok) return alertOf(text);
    if (action.result === 'dialog') {
      dialog(action.good === title ? 'success' : 'warning', title, text, [[words.textClose, 'primary']]);
    } else if (action.result === 'reload') {
      notifyAfterwards(action.done || text);
      location.reload();
    } else {
      notify(text || action.done);
    }
    return undefined;
  };
  const act = (action) => {
    const [item] = selected();
    if (!item) return;
    const name = one('.foundation-collection-item-title', item)?.textContent.trim() || '';
    // AEM asks for references first.
    const ask = () => dialog(action.variant, action.title, name, [
      [words.textCancel, 'default'], [action.confirm, action.variant === 'warning' ? 'warning' : 'primary', () => run(action, item)]]);
    fetch(item.closest('[data-foundation-collection-src]').dataset.foundationCollectionSrc).then(ask);
  };

  // ---------------------------------------------------------------- wizards
  const wizard = one('form.foundation-wizard');
  const steps = wizard ? all('.foundation-wizard-step', wizard) : [];
  const control = (action) => all(`[data-foundation-wizard-control-action=${action}]`);
  const active = () => steps.findIndex((step) => step.classList.contains('foundation-wizard-step-active'));
  const isValid = (step) => all('[data-required]', step).every((field) => (field.value || '').trim());
  const checkStep = () => {
    if (!wizard || active() < 0) return;
    control('next').forEach((button) => { button.disabled = !isValid(steps[active()]); });
  };
  const goTo = async (index) => {
    const step = steps[index];
    if (step.dataset.src) {
      const source = step.dataset.src;
      delete step.dataset.src;
      step.innerHTML = await (await fetch(source)).text();
    }
    const last = steps.length - 1;
    steps.forEach((other, at) => {
      other.classList.toggle('foundation-wizard-step-active', at === index);
      other.hidden = at !== index;
    });
    all('coral-step').forEach((mark, at) => mark.toggleAttribute('selected', at === index));
    control('prev').forEach((button) => { button.hidden = index === 0; });
    control('next').forEach((button) => {
      button.hidden = button.type === 'submit' ? index !== last : index === last;
    });
    checkStep();
  };
  if (steps.length) whenReady(wizard, () => goTo(0));
  document.addEventListener('input', checkStep);
  document.addEventListener('change', checkStep);

  // ---------------------------------------------------------------- forms
  document.addEventListener('submit', async (event) => {
    const form = event.target.closest('form.foundation-form');
    if (!form) return;
    event.preventDefault();
    const missing = all('[data-required]', form).filter((field) => !(field.value || '').trim());
    missing.forEach((field) => field.setAttribute('invalid', ''));
    if (missing.length) return;
    const stays = event.submitter?.dataset.stays;
    const answer = await send('POST', form.getAttribute('action'), [...new FormData(form)]);
    if (!answer.ok) {
      alertOf(told(answer.text).text);
    } else if (stays) {
      notify(words.textSubmitted);
    } else {
      notifyAfterwards(words.textSubmitted);
      const title = new FormData(form).get(form.dataset.title);
      location.href = `${form.dataset.redirect}?added=${encodeURIComponent(title)}`;
    }
  });

  // ---------------------------------------------------------------- certificates
  const createCertificate = async (button) => {
    const alias = one('[data-alias]').value.trim();
    const answer = await send('POST', button.dataset.url, { [button.dataset.field]: alias });
    if (!answer.ok) return alertOf(told(answer.text).text);
    dialog('success', button.dataset.done, alias, [[words.textOk, 'primary', () => location.reload()]]);
    return undefined;
  };

  // ---------------------------------------------------------------- what is clicked
  const CLICKS = [
    ['.foundation-collection-item-thumbnail, coral-quickactions-item[icon=check], coral-quickactions-item .coral3-Button', (it) => {
      const item = it.closest('.foundation-collection-item');
      if (item) select(item, !item.classList.contains('foundation-selections-item'));
    }],
    ['[data-action]', (it) => act(JSON.parse(it.dataset.action))],
    ['.granite-collection-deselect', () => selected().forEach((item) => select(item, false))],
    ['[data-foundation-wizard-control-action=next]:not([type=submit])', () => goTo(active() + 1)],
    ['[data-foundation-wizard-control-action=prev]', () => goTo(active() - 1)],
    ['[data-create-certificate]', createCertificate],
    ['[data-download]', (it) => {
      const alias = one(it.dataset.from).value;
      if (alias) location.href = it.dataset.download.replace('{alias}', encodeURIComponent(alias));
      else alertOf(it.dataset.missing);
    }],
    ['[data-globalnav-anchor-href]', (it) => { location.href = it.dataset.globalnavAnchorHref; }],
  ];
  document.addEventListener('click', (event) => {
    const found = CLICKS.map(([selector, then]) => [event.target.closest?.(selector), then]).find(([it]) => it);
    if (!found || found[0].disabled) return;
    found[1](found[0]);
  });
  document.addEventListener('change', (event) => {
    const box = event.target.closest?.('.foundation-collection-item-select');
    if (box) select(box.closest('.foundation-collection-item'), box.checked);
    const toggle = event.target.closest?.('[data-shows]');
    if (toggle) all(toggle.dataset.shows).forEach((it) => { it.hidden = !toggle.checked; });
  });

  // The groups of Tools: the cards of a group are loaded when it becomes active.
  document.addEventListener('coral-columnview:activeitemchange', (event) => {
    const group = event.detail.activeItem;
    const cards = one('#globalnav-start-tools-content-collection');
    if (!group?.dataset.src || !cards) return;
    cards.dataset.foundationCollectionSrc = group.dataset.src;
    load(cards, 0);
  });

  // ---------------------------------------------------------------- onboarding
  const onboarding = one('.granite-shell-onboarding');
  if (onboarding) {
    setTimeout(() => {
      onboarding.hidden = false;
      onboarding.classList.add('is-open');
    }, 300);
    one('[coral-close]', onboarding).addEventListener('click', () => {
      onboarding.classList.remove('is-open');
      onboarding.hidden = true;
      send('POST', onboarding.dataset.preferences, { [onboarding.dataset.preference]: 'false' }).catch(() => {});
    });
  }
})();
