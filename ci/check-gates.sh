#!/usr/bin/env bash
# Tests the gates of ci/: runs their shell parts against a mocked Author, before and after it has a defect, and validates
# their files against the schemas of their systems.
# Needs python3 with venv, and PyPI; without them it ends with 77: nothing was tested.
# Usage: ci/check-gates.sh
set -euo pipefail
cd "$(dirname "$0")/.."
bpconform=${BPCONFORM:-target/debug/bpconform}
[ -x "$bpconform" ] || cargo build --locked
venv=target/gates-venv
if ! { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check \
  pyyaml==6.0.3 check-jsonschema==0.39.0 kubernetes-validate==1.37.0; }; then
  echo "NOT TESTED: the gates were not tried: PyPI, or python3 with venv, is missing" >&2
  exit 77
fi
"$venv/bin/python" ci/readers/gates.py "$bpconform"

"$venv/bin/check-jsonschema" --builtin-schema vendor.github-workflows ci/github-actions.yml
"$venv/bin/check-jsonschema" --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci ci/gitlab-ci.yml
"$venv/bin/check-jsonschema" --builtin-schema vendor.github-actions ci/action/action.yml
"$venv/bin/check-jsonschema" --builtin-schema vendor.github-workflows .github/workflows/release.yml
# The schema of GitLab knows no inputs: the second document of a component is what the server makes of it.
component=$(mktemp --suffix=.yml)
trap 'rm -f "$component"' EXIT
sed '1,/^---$/d' ci/gitlab-component/templates/bpconform.yml >"$component"
"$venv/bin/check-jsonschema" --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci "$component"
for manifest in job cronjob records; do
  "$venv/bin/kubernetes-validate" --strict -k 1.33 "ci/kubernetes/$manifest.yaml"
  grep -q -- "- $manifest.yaml" ci/kubernetes/kustomization.yaml
done
