#!/usr/bin/env bash
# Tries the gates of ci/: their shell parts are run against a mocked Author, before and after it has a defect.
# Needs python3 with venv, and PyPI. Usage: ci/check-gates.sh
set -euo pipefail
cd "$(dirname "$0")/.."
bpconform=${BPCONFORM:-target/debug/bpconform}
[ -x "$bpconform" ] || cargo build --locked
venv=target/gates-venv
[ -d "$venv" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check pyyaml==6.0.3
"$venv/bin/python" ci/readers/gates.py "$bpconform"

# The manifest is read, and its policy retries what could not be told and nothing else.
"$venv/bin/python" - <<'PYTHON'
import yaml
job = yaml.safe_load(open("ci/kubernetes/job.yaml"))["spec"]
rules = {code: rule["action"] for rule in job["podFailurePolicy"]["rules"] if "onExitCodes" in rule for code in rule["onExitCodes"]["values"]}
assert rules[3] == "Count" and all(rules[code] == "FailIndex" for code in (1, 2, 4, 5, 6, 7)), rules
pod = job["template"]["spec"]
assert pod["restartPolicy"] == "Never" and job["completionMode"] == "Indexed"
told = {one["name"]: one.get("value") for one in pod["containers"][0]["env"]}
assert told["JOB_COMPLETIONS"] == str(job["completions"]), told
print("kubernetes: exit 3 is tried again, exit 1 is not")
PYTHON
