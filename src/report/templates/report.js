"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const SVG = "http://www.w3.org/2000/svg";
  const el = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  };
  const time = (ms) => ms < 10 ? `${ms.toFixed(1)} ms` : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
  const MARKS = { passed: "✓", failed: "✕", error: "!", skipped: "–", "not applicable": "○", unproven: "·" };
  const mark = (word) => [el("span", { class: `mark ${word}`, "aria-hidden": "true" }, MARKS[word]), el("span", { class: "vh" }, `${word}: `)];
  const kind = ({ status }) => status === undefined || status >= 500 ? "lost" : status >= 400 ? "refused" : "";

  // ---- one scenario, drawn when it is opened
  const text = (title, part) => part && part.text !== undefined && (part.bytes > 0)
    ? [el("h5", {}, title + (part.cut ? ` (the first part of ${part.bytes} bytes)` : "")), el("pre", {}, part.text)] : [];
  const headers = (title, list) => list && list.length
    ? [el("h5", {}, title), el("pre", {}, list.map(([name, value]) => `${name}: ${value}`).join("\n"))] : [];

  const exchange = (one) => el("details", { class: "exchange" },
    el("summary", {},
      el("span", {}, one.method), el("span", { class: "url" }, one.url),
      el("span", { class: kind(one) }, one.status === undefined ? "no answer" : String(one.status)),
      el("span", { class: "took" }, time(one.took))),
    el("div", { class: "parts" },
      el("p", { class: "hint" }, `${one.surface} · sent ${time(one.at)} after the scenario began`),
      ...(one.error ? [el("h5", {}, "No answer"), el("pre", {}, one.error)] : []),
      ...(one.curl ? [el("h5", {}, "To repeat it"), el("pre", { class: "curl" }, one.curl)] : []),
      ...headers("Request headers", one.sent), ...text("Request body", one.request),
      ...headers("Response headers", one.got), ...text("Response body", one.response)));

  // ---- what one scenario did
  const waterfall = (all, nodes, lanes) => {
    const end = Math.max(...all.map((one) => one.at + one.took), 0.001);
    const box = el("div", { class: "water", role: "img", "aria-label": `${all.length} requests in ${time(end)}, by the system or agent that they went to` });
    for (const lane of lanes.filter((lane) => all.some((one) => one.lane === lane))) {
      const svg = document.createElementNS(SVG, "svg");
      svg.setAttribute("viewBox", "0 0 1000 16");
      svg.setAttribute("preserveAspectRatio", "none");
      all.forEach((one, index) => {
        if (one.lane !== lane) return;
        const bar = document.createElementNS(SVG, "rect");
        const place = { x: one.at / end * 996, y: 2, width: Math.max(one.took / end * 996, 4), height: 12 };
        for (const [name, value] of Object.entries(place)) bar.setAttribute(name, value);
        bar.setAttribute("class", kind(one));
        const title = document.createElementNS(SVG, "title");
        title.textContent = `${one.method} ${one.url} – ${one.status ?? "no answer"}, ${time(one.took)}`;
        bar.append(title);
        // For the mouse; the list below is what a keyboard and a screen reader use.
        bar.addEventListener("click", () => { nodes[index].open = true; nodes[index].scrollIntoView({ block: "center" }); });
        svg.append(bar);
      });
      box.append(el("div", { class: "lane" }, el("span", {}, lane), svg));
    }
    box.append(el("div", { class: "axis" }, el("span", {}), el("span", {}, "0"), el("span", {}, time(end / 2)), el("span", {}, time(end))));
    return box;
  };

  const step = (told) => (one) => el("li", { class: one.verdict }, ...mark(one.verdict),
    el("span", { class: "took" }, one.verdict === "unproven" ? "" : time(one.took)),
    el("b", {}, one.keyword), " ", one.text,
    one.table ? el("table", {}, ...one.table.map((row) => el("tr", {}, ...row.map((cell) => el("td", {}, cell))))) : null,
    one.doc ? el("pre", {}, one.doc) : null,
    one.reason && !told ? el("pre", { class: "reason" }, one.reason) : null);

  // ---- the pages of the browser
  let pictures;
  const picture = (name) => {
    pictures ??= JSON.parse($("#pictures")?.textContent ?? "{}");
    return Object.hasOwn(pictures, name) ? `data:image/webp;base64,${pictures[name]}` : null;
  };
  const enlarge = (src, one) => {
    const box = el("dialog", { class: "picture", "aria-label": `The page after: ${one.step}` },
      el("div", { class: "caption" }, el("p", {}, one.step), el("button", { type: "button" }, "Close")),
      el("img", { src, alt: `Screenshot of the page "${one.title}" at ${one.url}` }));
    $("button", box).addEventListener("click", () => box.close());
    box.addEventListener("close", () => box.remove());
    box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
    document.body.append(box);
    box.showModal();
  };
  const thumbnail = (one) => {
    const src = one.picture && picture(one.picture);
    if (!src) return el("p", { class: "none" }, one.picture ? `See ${one.picture}` : `No screenshot: ${one.no_picture ?? "there is none"}`);
    const open = el("button", { type: "button", class: "thumb", "aria-label": `Enlarge the page after: ${one.step}` }, el("img", { src, alt: "" }));
    open.addEventListener("click", () => enlarge(src, one));
    return open;
  };
  const page = (one) => el("figure", {}, thumbnail(one),
    el("figcaption", {}, el("b", {}, one.step), el("span", {}, `${one.title || "without a title"} · ${one.url}`)),
    one.console ? el("pre", { class: "console" }, one.console.join("\n")) : null,
    one.tree ? el("details", {}, el("summary", {}, "Accessibility tree"), el("pre", {}, one.tree.text + (one.tree.cut ? "…" : ""))) : null);

  // What scrolls can be reached by keyboard; what does not is no stop on the way.
  const reach = (root) => $$("pre", root).forEach((pre) => {
    if (pre.scrollHeight <= pre.clientHeight) return;
    pre.tabIndex = 0;
    pre.setAttribute("role", "group");
    pre.setAttribute("aria-label", pre.previousElementSibling?.textContent ?? "Reason");
    // The last lines of a transcript say how it ended.
    if (pre.closest(".agents")) pre.scrollTop = pre.scrollHeight;
  });

  const remedy = (one) => el("div", { class: "remedy" }, el("h4", {}, one.title), el("p", {}, one.means),
    el("ol", {}, ...one.steps.map((each) => el("li", {}, each))), el("p", {}, el("a", { href: one.link }, "What the documentation says")));
  const transcript = (one) => el("section", one.named ? { class: "named" } : {},
    el("h5", {}, one.lane + (one.named ? ", named in the reason" : "")), el("pre", {}, one.transcript.join("\n")));

  // `told`: the reason and the remedy stand there already.
  const fill = (body, data, told) => {
    body.append(el("ol", { class: "steps" }, ...data.steps.map(step(told))));
    if (data.remedy && !told) body.append(remedy(data.remedy));
    if (data.pages) body.append(el("h4", {}, `Pages of the browser (${data.pages.length})`), el("div", { class: "pages" }, ...data.pages.map(page)));
    const transcripts = data.exchanges.filter((one) => one.transcript);
    if (transcripts.length) body.append(el("h4", {}, transcripts.length > 1 ? "Transcripts, side by side" : "Transcript"),
      el("div", { class: "agents" }, ...transcripts.map(transcript)));
    if (data.exchanges.length) {
      const nodes = data.exchanges.map(exchange);
      body.append(el("h4", {}, `Requests (${nodes.length})`), waterfall(data.exchanges, nodes, data.lanes), ...nodes);
    }
    if (data.attempts) body.append(el("h4", {}, "Earlier attempts"), el("ul", {}, ...data.attempts.map((one) =>
      el("li", {}, `${one.verdict} after ${time(one.duration_ms)}${one.reason ? `: ${one.reason}` : ""}`))));
    body.append(el("p", { class: "place" }, data.place + (data.cut ? " · long bodies are cut here; run.json has more of them" : "")));
    reach(body);
  };

  // Drawn when it is opened: thousands of scenarios must not lag.
  const data = (row) => JSON.parse($("script", row).textContent);
  const draw = (details) => {
    if (details.dataset.drawn) return;
    details.dataset.drawn = "yes";
    const body = $(".body", details);
    if (details.matches(".evidence")) {
      fill(body, data(document.getElementById(details.dataset.of)), true);
      return;
    }
    const all = data(details);
    if (all.steps.some((one) => one.reason)) $(".reason", body)?.remove();
    fill(body, all, false);
  };
  document.addEventListener("toggle", (event) => {
    if (event.target.matches?.("details.scenario, details.evidence") && event.target.open) draw(event.target);
  }, true);

  // ---- filter and search
  const rows = $$("details.scenario");
  const groups = $$(".feature").map((group) => ({ group, rows: $$("details.scenario", group) }));
  const boxes = $$("input[name=v]");
  const search = $("#q");
  let haystacks = null;
  const haystack = (row) => `${row.dataset.q} ${$("summary", row).textContent} ${$(".reason", row)?.textContent ?? ""}`.toLowerCase();

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length) haystacks ??= new Map(rows.map((row) => [row, haystack(row)]));
    const verdicts = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let shown = 0;
    for (const { group, rows } of groups) {
      let some = false;
      for (const row of rows) {
        const fits = verdicts.has(row.dataset.v) && words.every((word) => haystacks.get(row).includes(word));
        row.hidden = !fits;
        if (fits) { some = true; shown += 1; }
      }
      group.hidden = !some;
    }
    $("#shown").textContent = shown === rows.length ? `${rows.length} scenarios` : `${shown} of ${rows.length} scenarios`;
    $("#nothing").hidden = shown > 0;
  };
  const remember = () => {
    const off = boxes.some((box) => !box.checked);
    const state = new URLSearchParams();
    if (search.value) state.set("q", search.value);
    if (off) state.set("v", boxes.filter((box) => box.checked).map((box) => box.value).join(","));
    history.replaceState(null, "", `#${state.size ? state : "scenarios"}`);
  };
  let soon = 0;
  search.addEventListener("input", () => { clearTimeout(soon); soon = setTimeout(() => { filter(); remember(); }, 60); });
  boxes.forEach((box) => box.addEventListener("change", () => { filter(); remember(); }));
  $(".filter").addEventListener("submit", (event) => event.preventDefault());
  $("#reset").addEventListener("click", () => { search.value = ""; boxes.forEach((box) => { box.checked = true; }); filter(); remember(); search.focus(); });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches?.("input[type=search]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); search.focus(); }
    if (event.key === "Escape" && typing) { search.value = ""; filter(); remember(); }
  });

  // ---- the address says what is shown: #q=BP-REP-03, #v=failed,error, #s=<scenario>
  const follow = (first) => {
    const state = new URLSearchParams(location.hash.slice(1));
    const id = state.get("s");
    if (state.has("q") || state.has("v") || id) {
      search.value = state.get("q") ?? "";
      const wanted = state.get("v")?.split(",");
      boxes.forEach((box) => { box.checked = !wanted || wanted.includes(box.value); });
      filter();
      if (!id) $("#scenarios").scrollIntoView();
    }
    const row = id && document.getElementById(`s-${id}`);
    if (row) {
      row.open = true;
      draw(row);
      row.scrollIntoView({ block: "start" });
      if (!first) $("summary", row).focus({ preventScroll: true });
    }
  };
  addEventListener("hashchange", () => follow(false));
  follow(true);
  $$(".card").forEach(reach);

  // ---- on paper, what did not pass is open
  addEventListener("beforeprint", () => $$("details.fold").forEach((row) => { row.open = true; }));
  addEventListener("beforeprint", () => $$("details.evidence").forEach((row) => { row.open = true; draw(row); }));
})();
