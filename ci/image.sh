#!/usr/bin/env bash
# The mocks as an image, on Linux: builds bpconform statically linked, and an image that holds nothing else.
#
#   ci/image.sh [NAME]                     NAME is bpconform-mock:dev by default
#   ci/image.sh --binary FILE [NAME]       from an existing bpconform, with the libraries that it needs
set -euo pipefail
cd "$(dirname "$0")/.."

binary=
if [ "${1:-}" = --binary ]; then
  binary=$2
  shift 2
fi
name=${1:-bpconform-mock:dev}

if [ -z "$binary" ]; then
  # The C library of Linux is linked into the binary. The target is named so that build scripts are not linked statically.
  target=$(rustc -vV | sed -n 's/^host: //p')
  RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+crt-static" \
    cargo build --profile dist --locked --package bpconform --target "$target"
  binary=${CARGO_TARGET_DIR:-target}/$target/dist/bpconform
fi

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
mkdir "$context/root"
cp "$binary" "$context/root/bpconform"
strip "$context/root/bpconform"
# A static binary needs no libraries.
libraries=$(ldd "$binary" 2>/dev/null | grep -o '/[^ ]*' | sort -u || true)
for library in $libraries; do
  mkdir -p "$context/root/$(dirname "$library")"
  cp -L "$library" "$context/root/$library"
done
# Certificate authorities, so that it can check an Author over TLS, too.
authorities=/etc/ssl/certs/ca-certificates.crt
if [ -f "$authorities" ]; then
  mkdir -p "$context/root/etc/ssl/certs"
  cp -L "$authorities" "$context/root$authorities"
fi
chmod -R a+rX "$context/root"
docker build --quiet --tag "$name" --file ci/Dockerfile "$context"
