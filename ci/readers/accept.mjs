// Gives reports to readers that this project did not write. Usage: node accept.mjs DIRECTORY
// DIRECTORY holds messages.ndjson, run.har, ctrf.json and report.sarif; messages.html is written there.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import { CucumberHtmlStream } from "@cucumber/html-formatter";
import { parseEnvelope } from "@cucumber/messages";
import Ajv from "ajv";
import Ajv2020 from "ajv/dist/2020.js";
import formats from "ajv-formats";

const require = createRequire(import.meta.url);
const packages = path.join(path.dirname(new URL(import.meta.url).pathname), "node_modules");
const directory = process.argv[2];
const file = (name) => path.join(directory, name);
const json = (name) => JSON.parse(fs.readFileSync(name, "utf8"));
const refuse = (what, problem) => { console.error(`${what}: ${problem}`); process.exitCode = 1; };

// Cucumber Messages: every line fits the schema of the protocol, and Cucumber's own formatter makes a page of them.
const schema = json(path.join(packages, "@cucumber/messages/messages.schema.json"));
const ajv = new Ajv2020.default({ strict: false });
for (const part of Object.values(schema.$defs)) ajv.addSchema(part);
const fits = ajv.compile({ ...schema, $defs: undefined });
const lines = fs.readFileSync(file("messages.ndjson"), "utf8").split("\n").filter(Boolean);
for (const [index, line] of lines.entries()) {
  if (!fits(JSON.parse(line))) refuse(`messages.ndjson:${index + 1}`, ajv.errorsText(fits.errors));
}
await pipeline(Readable.from(lines.map((line) => parseEnvelope(line))), new CucumberHtmlStream(), fs.createWriteStream(file("messages.html")));
console.log(`messages: ${lines.length} accepted`);

// HAR 1.2
const har = json(file("run.har"));
await require("har-validator").har(har).catch((error) => refuse("run.har", JSON.stringify(error.errors ?? error)));
console.log(`har: ${har.log.entries.length} entries accepted`);

// CTRF
const common = new Ajv.default({ strict: false, allErrors: true });
formats.default(common);
const ctrf = common.compile(json(path.join(packages, "ctrf/dist/ctrf-schema-0.0.json")));
const report = json(file("ctrf.json"));
if (!ctrf(report)) refuse("ctrf.json", common.errorsText(ctrf.errors));
console.log(`ctrf: ${report.results.summary.tests} tests accepted`);

// SARIF 2.1.0: the official schema, which is written for draft 4 of JSON Schema.
const { $schema: _draft, id: _id, ...official } = json(path.join(packages, "@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"));
// One of its patterns is no Unicode expression.
const forSarif = new Ajv.default({ strict: false, allErrors: true, unicodeRegExp: false });
formats.default(forSarif);
const sarif = forSarif.compile(official);
const log = json(file("report.sarif"));
if (!sarif(log)) refuse("report.sarif", forSarif.errorsText(sarif.errors));
console.log(`sarif: ${log.runs[0].results.length} results accepted`);
