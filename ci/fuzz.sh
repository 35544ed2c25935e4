#!/usr/bin/env bash
# Fuzzes every reader of outside data, guided by coverage: for each, the seeds of fixtures/corpus and what was found
# before. Usage: ci/fuzz.sh [SECONDS] [READER…]   (300 seconds each by default; exits 1 at the first finding)
# Needs a nightly toolchain and cargo-fuzz: rustup toolchain install nightly && cargo install cargo-fuzz
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-300}
readers=("${@:2}")
[ ${#readers[@]} -gt 0 ] || mapfile -t readers < <(ls fixtures/corpus)
fuzz() { cargo +nightly fuzz "$1" --fuzz-dir tests/fuzz "${@:2}"; }

fuzz build >/dev/null
for reader in "${readers[@]}"; do
  mkdir -p "tests/fuzz/corpus/$reader"
  log=$(mktemp)
  # Memory is bounded at 512 MB, one input at 10 s: past either it is a finding.
  if ! fuzz run "$reader" "tests/fuzz/corpus/$reader" "fixtures/corpus/$reader" -- \
    -max_total_time="$seconds" -rss_limit_mb=512 -timeout=10 -print_final_stats=1 >"$log" 2>&1; then
    tail -40 "$log"
    echo "$reader: a finding; keep its input, made small with \`cargo fuzz tmin\`, in fixtures/corpus/$reader"
    exit 1
  fi
  runs=$(awk '/stat::number_of_executed_units/ { print $2 }' "$log")
  echo "$reader: $runs inputs in $seconds s, no finding"
  rm -f "$log"
done
