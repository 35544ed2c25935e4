#!/usr/bin/env bash
# The user guide as a book of HTML: the pages of docs/, and the pages that bpconform makes of its own data: a page for
# each requirement, and the list of requests of each permission level.
#
#   ci/book.sh [DIR]     DIR is target/book by default
#
# Needs cargo; installs mdBook below target/tools. Links are checked with a tool of PyPI, if it can be installed.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(realpath -m "${1:-target/book}")
bpconform=${BPCONFORM:-target/debug/bpconform}
[ -x "$bpconform" ] || cargo build --locked

tools=$PWD/target/tools
if ! [ -x "$tools/bin/mdbook" ]; then
  cargo install --quiet --locked --root "$tools" mdbook --version 0.5.4 --no-default-features || {
    echo "NOT TESTED: the book; mdBook cannot be installed" >&2
    exit 77
  }
fi

source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT
mkdir -p "$source/src/requirements" "$source/src/files"
cp docs/*.md "$source/src/"
cp README.md "$source/src/introduction.md"
cp SECURITY.md "$source/src/security.md"
cp CHANGELOG.md "$source/src/changes.md"
cp ci/book/book.toml "$source/book.toml"
cp ci/book/SUMMARY.md "$source/src/SUMMARY.md"

{ sed -n '1,/^<!-- requests -->$/p' docs/requests.md && "$bpconform" surface show --format markdown; } >"$source/src/requests.md"

{
  echo
  echo "# Requirements"
  echo
  echo "- [All requirements](requirements.md)"
} >>"$source/src/SUMMARY.md"
table=$("$bpconform" list --requirements --format markdown)
ids=$(grep -oE '^\| \[?BP-[A-Z]+-[0-9]+' <<<"$table" | grep -oE 'BP-.*')
{ echo "# Requirements"; echo; sed -E 's#^\| \[(BP-[A-Z]+-[0-9]+)\]\([^)]*\)#| [\1](requirements/\1.md)#' <<<"$table"; } >"$source/src/requirements.md"
for id in $ids; do
  "$bpconform" explain "$id" --format markdown >"$source/src/requirements/$id.md"
  echo "  - [$id](requirements/$id.md)" >>"$source/src/SUMMARY.md"
done

# A page of docs/ links to files of the repository; the book has copies of them.
for page in "$source"/src/*.md; do
  # Some of them are pages of the book under another name.
  sed -i -E -e 's#\]\(docs/#](#g' -e 's#\]\((\.\./)?README\.md#](introduction.md#g' \
    -e 's#\]\((\.\./)?SECURITY\.md#](security.md#g' -e 's#\]\((\.\./)?CHANGELOG\.md#](changes.md#g' "$page"
  for link in $(grep -oE '\]\((\.\./)?(ci/|fixtures/|features/|ARCHITECTURE\.md|CONTRIBUTING\.md|LICENSE-[A-Z]+)[^)#]*' "$page" | sed -E 's#^\]\(##' | sort -u); do
    file=${link#../}
    mkdir -p "$source/src/files/$(dirname "$file")"
    # mdBook takes every .md in a link for a page of its own.
    copy=files/${file/.md/}.txt
    [ -d "$file" ] || cp "$file" "$source/src/$copy"
    sed -i "s#](${link})#]($copy)#g" "$page"
  done
done
"$tools/bin/mdbook" build --dest-dir "$out" "$source" 2>&1 | tee "$source/log"
if grep -qE "WARN|ERROR" "$source/log"; then
  echo "mdBook reported a problem" >&2
  exit 1
fi

venv=target/book-venv
if python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check linkchecker==10.6.0; then
  # Each page: the table of contents is made by a script, which a checker of links does not run.
  find "$out" -name '*.html' -print0 | xargs -0 "$venv/bin/linkchecker" --no-status --no-warnings --ignore-url '^https?://'
else
  echo "NOT TESTED: the links of the book; PyPI, or python3 with venv, is missing" >&2
  exit 77
fi
