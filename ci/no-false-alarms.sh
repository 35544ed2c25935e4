#!/usr/bin/env bash
# Is a run ever red without a reason? Runs everything many times in parallel against slow mocks, each with its own
# random seed, while other work keeps every processor busy. Prints how many were green; for a red one its random seed, what
# it found, and how to repeat it. Usage: ci/no-false-alarms.sh [RUNS] [AT ONCE] [FIRST SEED]   (200, 4 and 1)
# BPCONFORM names an existing binary; without it the release build is made.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-200} at_once=${2:-4} first=${3:-1}

binary=${BPCONFORM:-}
if [ -z "$binary" ]; then
  cargo build --release --locked --quiet
  binary=${CARGO_TARGET_DIR:-target}/release/bpconform
fi

found=$(mktemp -d)
load=()
# Ends only what was started here, not the process group of the caller.
trap 'kill "${load[@]}" 2>/dev/null || true; rm -rf "$found"' EXIT
for _ in $(seq "$(nproc)"); do
  (while :; do :; done) &
  load+=($!)
done

one() {
  local seed=$1 status=0
  "$binary" run --jitter "$seed" --color never >"$found/$seed.out" 2>&1 || status=$?
  echo "$status" >"$found/$seed.status"
}
export -f one
export binary found
began=$SECONDS
seq "$first" $((first + runs - 1)) | xargs -P "$at_once" -I{} bash -c 'one {}'

green=0
for status in "$found"/*.status; do
  seed=$(basename "$status" .status)
  if [ "$(cat "$status")" = 0 ]; then
    green=$((green + 1))
  else
    echo "red with the seed $seed (exit $(cat "$status")); again: bpconform run --jitter $seed"
    tail -n 25 "$found/$seed.out" | sed 's/^/    /'
  fi
done
echo "no false alarms: $green of $runs green, $at_once at once on $(nproc) busy processors, in $((SECONDS - began)) s"
[ "$green" = "$runs" ]
