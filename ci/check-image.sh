#!/usr/bin/env bash
# Is the image of the mocks as small and as fast as the documentation says? Builds it, starts it, and measures both.
set -euo pipefail
cd "$(dirname "$0")/.."

most_bytes=30000000
most_ms=1000
name=bpconform-mock:dev
ci/image.sh "$name" >/dev/null

bytes=$(docker image inspect --format '{{.Size}}' "$name")
began=$(date +%s%N)
container=$(docker run --detach --rm --publish 127.0.0.1::4502 "$name")
trap 'docker kill "$container" >/dev/null' EXIT
author=$(docker port "$container" 4502/tcp)
for _ in $(seq 500); do
  if curl --silent --fail "http://$author/libs/granite/core/content/login.html" | grep -q QUICKSTART_HOMEPAGE; then
    ms=$((($(date +%s%N) - began) / 1000000))
    break
  fi
  sleep 0.01
done

echo "$name: $((bytes / 1000000)).$((bytes / 100000 % 10)) MB, serves ${ms:-not} ms after docker run"
[ "$bytes" -lt "$most_bytes" ] && [ "${ms:-$most_ms}" -lt "$most_ms" ]
