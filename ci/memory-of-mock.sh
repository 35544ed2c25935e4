#!/usr/bin/env bash
# Bounded memory, measured: sends many requests to `bpconform mock` and prints by how much its peak resident memory rose.
# Usage: ci/memory-of-mock.sh [REQUESTS]   (200000 by default; needs curl and python3; exits 1 at 100 MB or more)
set -euo pipefail
cd "$(dirname "$0")/.."
requests=${1:-200000}
workers=4
cargo build --release --quiet
out=$(mktemp)
target/release/bpconform mock --seed configured --json >"$out" 2>/dev/null &
mock=$!
trap 'kill "$mock" 2>/dev/null; rm -f "$out"' EXIT

for _ in $(seq 100); do [ -s "$out" ] && break; sleep 0.05; done
read -r author ims user password id secret scope < <(python3 - "$out" <<'PY'
import json, sys
stack = json.load(open(sys.argv[1]))
c = stack["credentials"]
print(stack["author"].rstrip("/"), stack["ims"].rstrip("/"), c["BPCONFORM_AUTHOR_USER"], c["BPCONFORM_AUTHOR_PASSWORD"],
      c["BPCONFORM_IMS_CLIENT_ID"], c["BPCONFORM_IMS_CLIENT_SECRET"], c["BPCONFORM_IMS_SCOPE"])
PY
)
peak() { awk '/^VmHWM:/ { print int($2 / 1024) }' "/proc/$mock/status"; }

# A warmed-up process is the baseline: pools, thread stacks and the first rotation are not growth.
curl -sf -o /dev/null -u "$user:$password" "$author/etc/replication/agents.author.-1.json?[1-3000]"
before=$(peak)
share=$((requests / workers))
start=$(date +%s)
loads=()
for worker in $(seq "$workers"); do
  if [ "$worker" = 1 ]; then
    curl -sf -o /dev/null -d grant_type=client_credentials -d "client_id=$id" --data-urlencode "client_secret=$secret" \
      --data-urlencode "scope=$scope" "$ims/ims/token/v3?[1-$share]" &
  else
    curl -sf -o /dev/null -u "$user:$password" "$author/libs/granite/security/currentuser.json?[1-$share]" &
  fi
  loads+=($!)
done
for load in "${loads[@]}"; do wait "$load"; done
after=$(peak)
echo "$((share * workers)) requests in $(($(date +%s) - start)) s: peak resident memory rose from $before MB to $after MB"
[ $((after - before)) -lt 100 ]
