#!/usr/bin/env bash
# One run that conforms and one that does not, in every form, each given to readers that this project did not write:
# PyPI's junitparser and jsonschema, the rules of Jenkins' schema, npm's @cucumber/html-formatter, har-validator and the
# schema of CTRF. Needs python3 with venv, node with npm, and their registries. Usage: ci/check-reports.sh [DIRECTORY]
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-target/reports}
bpconform=${BPCONFORM:-target/debug/bpconform}
[ -x "$bpconform" ] || cargo build --locked
rm -rf "$out" && mkdir -p "$out"

# run NAME EXPECTED-EXIT-CODE FLAG...
run() {
  local name=$1 expected=$2 status=0
  shift 2
  "$bpconform" run --quiet --out "$out/$name" --report "html=$out/$name/report.html" --report "messages=$out/$name/messages.ndjson" \
    --report "har=$out/$name/run.har" --report "ctrf=$out/$name/ctrf.json" --report "markdown=$out/$name/report.md" "$@" >"$out/$name.txt" || status=$?
  [ "$status" = "$expected" ] || { tail -n 40 "$out/$name.txt"; echo "$name: exit $status, not $expected" >&2; return 1; }
}
run passing 0
run failing 1 --defect agent-disabled

python3 -m venv "$out/venv"
"$out/venv/bin/pip" install --quiet --disable-pip-version-check junitparser==5.0.3 jsonschema==4.26.0
npm ci --prefix ci/readers --no-audit --no-fund --loglevel=error

for name in passing failing; do
  echo "== $name"
  "$out/venv/bin/python" ci/readers/accept.py "$out/$name" fixtures/schema/run.schema.json
  node ci/readers/accept.mjs "$out/$name"
  # A report that is drawn later is the one that was drawn at once.
  "$bpconform" report html "$out/$name" | cmp - "$out/$name/report.html"
done

# Cucumber's page is made of scripts: a browser must be able to draw it.
if command -v chromium >/dev/null; then
  page=$(chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --user-data-dir="$(mktemp -d)" --virtual-time-budget=10000 \
    --dump-dom "file://$(realpath "$out/failing/messages.html")" 2>/dev/null)
  grep -q "Replication agents of the tenant" <<<"$page" && echo "messages: drawn by Cucumber's html-formatter"
else
  echo "NOT TESTED: there is no chromium to draw Cucumber's page with" >&2
fi
