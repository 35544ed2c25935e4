#!/usr/bin/env bash
# Runs that conform, that do not, that were killed, and a record full of hostile text, in every format, each given to
# readers that are not part of this project: PyPI's junitparser and jsonschema, the rules of Jenkins' schema, npm's
# @cucumber/html-formatter, har-validator, the schemas of CTRF and SARIF, and axe-core in Chromium.
# Needs python3 with venv, node with npm, their registries, and chromedriver. What is missing is reported, and the script
# ends with 77: no reader rejected anything, but not every reader ran. Usage: ci/check-reports.sh [DIRECTORY]
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-target/reports}
bpconform=${BPCONFORM:-target/debug/bpconform}
[ -x "$bpconform" ] || cargo build --locked
rm -rf "$out" && mkdir -p "$out"
trap 'kill "${run:-}" 2>/dev/null || true' EXIT
not_tested=()

# run NAME EXPECTED-EXIT-CODE FLAG...
run() {
  local name=$1 expected=$2 status=0
  shift 2
  "$bpconform" run --quiet --out "$out/records/$name" --report "html=$out/$name/report.html" "$@" >"$out/$name.txt" 2>&1 || status=$?
  [ "$status" = "$expected" ] || { tail -n 40 "$out/$name.txt"; echo "$name: exit $status, not $expected" >&2; return 1; }
}
run passing 0
run failing 1 --defect agent-disabled --defect queue-cannot-be-read

"$bpconform" run --quiet --jobs 1 --out "$out/records/killed" >/dev/null 2>&1 &
run=$!
for _ in $(seq 600); do
  [ "$(cat "$out/records/killed/run.part.jsonl" 2>/dev/null | wc -l)" -ge 4 ] && break
  sleep 0.05
done
kill -KILL "$run" && wait "$run" 2>/dev/null || true
mkdir -p "$out/records/hostile" && cp fixtures/schema/sample.run.json "$out/records/hostile/run.json"

for name in passing failing killed hostile; do
  mkdir -p "$out/$name"
  for form in json=run.json html=report.html junit=junit.xml messages=messages.ndjson har=run.har ctrf=ctrf.json sarif=report.sarif markdown=report.md trace=trace.zip; do
    "$bpconform" report "${form%%=*}" "$out/records/$name" --out "$out/$name/${form#*=}.new"
    # A report that is rendered later says what the one that was written at the end of the run says.
    [ ! -e "$out/$name/${form#*=}" ] || cmp "$out/$name/${form#*=}" "$out/$name/${form#*=}.new"
    mv "$out/$name/${form#*=}.new" "$out/$name/${form#*=}"
  done
done
BPCONFORM_AUTHOR_PASSWORD=nobodys "$bpconform" run --quiet --fleet ci/readers/fleet.toml --tags @observe --out "$out/fleet" >"$out/fleet.txt" 2>&1 || [ $? = 3 ]
# Without their pages the check would silently cover less.
grep -q "2 of 3 environments conform" "$out/fleet.txt"

if python3 -m venv "$out/venv" && "$out/venv/bin/pip" install --quiet --disable-pip-version-check junitparser==5.0.3 jsonschema==4.26.0; then
  for name in passing failing killed hostile; do
    echo "== $name" && "$out/venv/bin/python" ci/readers/accept.py "$out/$name" fixtures/schema/run.schema.json
  done
else
  not_tested+=("junit.xml and run.json were given to no reader: PyPI, or python3 with venv, is missing")
fi

if npm ci --prefix ci/readers --no-audit --no-fund --loglevel=error >/dev/null; then
  for name in passing failing killed hostile; do
    echo "== $name" && node ci/readers/accept.mjs "$out/$name"
  done
  if command -v chromedriver >/dev/null; then
    node ci/readers/browser.mjs "$out"
  else
    not_tested+=("the pages were given to no browser: chromedriver is missing")
  fi
else
  not_tested+=("messages, HAR, CTRF, SARIF and the pages were given to no reader: npm or its registry is missing")
fi

[ ${#not_tested[@]} -gt 0 ] || exit 0
printf 'NOT TESTED: %s\n' "${not_tested[@]}" >&2
exit 77
