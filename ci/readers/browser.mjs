// Opens pages in Chromium and gives them to readers that this project did not write. Usage: node browser.mjs DIRECTORY
// Each page of ours (report.html, fleet.html) must be without fault for axe-core, which sees what a screen reader and a
// keyboard would miss: light, dark and on a telephone. Cucumber's page of our Messages must draw.
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const directory = path.resolve(process.argv[2]);
const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const profile = fs.mkdtempSync(path.join(os.tmpdir(), "bpconform-browser-"));
let driver;
const refuse = (page, problem) => { console.error(`${path.relative(directory, page)}: ${problem}`); process.exitCode = 1; };

/** A driver that finds its port taken in the meantime ends without a word of it. */
async function start() {
  for (let again = 0; again < 5; again += 1) {
    driver = spawn("chromedriver", ["--port=0"], { stdio: ["ignore", "pipe", "ignore"] });
    for await (const line of createInterface({ input: driver.stdout })) {
      const told = line.match(/on port (\d+)\.$/);
      if (told) return told[1];
    }
  }
  throw new Error("chromedriver did not start");
}

async function open() {
  const base = `http://127.0.0.1:${await start()}`;
  const ask = async (where, body) => {
    const reply = await fetch(base + where, { method: "POST", body: JSON.stringify(body), signal: AbortSignal.timeout(120_000) });
    const { value } = await reply.json();
    if (value?.error) throw new Error(`${where}: ${value.message}`);
    return value;
  };
  const args = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", `--user-data-dir=${profile}`];
  const wanted = { capabilities: { alwaysMatch: { "goog:chromeOptions": { args } } } };
  const session = `/session/${(await ask("/session", wanted)).sessionId}`;
  return {
    to: (page) => ask(`${session}/url`, { url: `file://${page}` }),
    run: (script) => ask(`${session}/execute/sync`, { script, args: [] }),
    wait: (script) => ask(`${session}/execute/async`, { script, args: [] }),
    protocol: (cmd, params) => ask(`${session}/goog/cdp/execute`, { cmd, params }),
    close: () => fetch(base + session, { method: "DELETE", signal: AbortSignal.timeout(20_000) }),
  };
}

const LOOKS = [["desktop", 1280, "light"], ["dark", 1280, "dark"], ["telephone", 390, "light"]];

/** What is closed is opened, so that it is read too. */
const UNFOLD = `const open = (selector) => [...document.querySelectorAll(selector)].slice(0, 40).forEach((one) => { one.open = true; });
  open("details.evidence, details.scenario");
  setTimeout(() => { open("details[open] .exchange"); setTimeout(arguments[0], 200); }, 300);`;

async function faultless(browser, page) {
  for (const [name, width, scheme] of LOOKS) {
    await browser.protocol("Emulation.setDeviceMetricsOverride", { width, height: 1000, deviceScaleFactor: 1, mobile: width < 500 });
    await browser.protocol("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
    await browser.to(page);
    await browser.wait(UNFOLD);
    await browser.run(`${axe}; window.axe = axe;`);
    const faults = await browser.wait(`axe.run({ resultTypes: ["violations"] }).then((found) => arguments[0](found.violations.map(
      (one) => one.id + ": " + one.help + ", " + one.nodes.length + " times, first " + one.nodes[0].html.slice(0, 200))))`);
    faults.forEach((fault) => refuse(page, `${name}: ${fault}`));
    const wide = await browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth");
    if (wide > 1) refuse(page, `${name}: the page is ${wide} px wider than the window`);
  }
}

async function drawn(browser, page) {
  await browser.to(page);
  const found = await browser.wait(`const began = Date.now(); const look = () => document.body.innerText.includes("features/")
    ? arguments[0](true) : Date.now() - began > 20000 ? arguments[0](false) : setTimeout(look, 50); look();`);
  if (!found) refuse(page, "Cucumber's page shows no feature");
}

let browser;
try {
  browser = await open();
  const pages = fs.readdirSync(directory, { recursive: true }).map((name) => path.join(directory, name));
  const ours = pages.filter((page) => /\/(report|fleet)\.html$/.test(page));
  const cucumbers = pages.filter((page) => page.endsWith("/messages.html"));
  for (const page of ours) await faultless(browser, page);
  for (const page of cucumbers) await drawn(browser, page);
  console.log(`browser: ${ours.length} pages without fault for axe-core, ${cucumbers.length} drawn by Cucumber's html-formatter`);
  if (!ours.length || !cucumbers.length) refuse(directory, "there is no page in it");
} finally {
  // A driver that is killed leaves its browser running.
  await browser?.close().catch(() => {});
  driver?.kill();
  driver?.stdout.destroy();
  fs.rmSync(profile, { recursive: true, force: true });
}
