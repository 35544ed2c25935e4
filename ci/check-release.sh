#!/usr/bin/env bash
# Installs what ci/release.sh built, on Debian systems with nothing but their base, and runs it.
#
#   ci/check-release.sh DIR
#
# Needs root, debootstrap (Debian's package) and a Docker Engine; ends with 77 without them, or if Debian's archive is not
# reached.
set -euo pipefail
cd "$(dirname "$0")/.."
files=$(realpath "${1:?usage: ci/check-release.sh DIR}")
(cd "$files" && sha256sum --quiet --check SHA256SUMS)

not_tested() {
  echo "NOT TESTED: the installation of a release: $1" >&2
  exit 77
}
docker info >/dev/null 2>&1 || not_tested "there is no Docker Engine"
command -v debootstrap >/dev/null || not_tested "debootstrap is missing"

# Runs in the container, as root, on a base system; $1 is what is installed.
read -r -d '' install <<'EOF' || true
set -euo pipefail
case $1 in
  deb) dpkg --install /files/*.deb >/dev/null ;;
  archive) tar --extract --gzip --file /files/*.tar.gz --directory /opt && export PATH=/opt/$(ls /opt):$PATH ;;
  wheel) python3 -m venv /venv && /venv/bin/pip install --quiet --no-index /files/*.whl && export PATH=/venv/bin:$PATH ;;
esac
bpconform --help >/dev/null
began=$(date +%s%N)
bpconform run --quiet
took=$((($(date +%s%N) - began) / 1000000))
echo "$1 on $(. /etc/os-release && echo "$VERSION_CODENAME"): green in $took ms"
[ "$took" -lt 5000 ]
case $1 in
  deb)
    for file in man/man1/bpconform.1.gz man/man1/bpconform-run.1.gz bash-completion/completions/bpconform \
      zsh/vendor-completions/_bpconform fish/vendor_completions.d/bpconform.fish; do
      [ -s "/usr/share/$file" ]
    done
    bash -n /usr/share/bash-completion/completions/bpconform
    dpkg --purge bpconform >/dev/null
    [ ! -e /usr/bin/bpconform ]
    ;;
  archive)
    cd /opt/*/
    [ -s man/bpconform-run.1 ] && [ -s LICENSE-MIT ] && [ -s completions/bpconform.powershell ]
    ;;
esac
EOF

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for release in bookworm bullseye; do
  image=bpconform-base:$release
  if ! docker image inspect "$image" >/dev/null 2>&1; then
    debootstrap --variant=minbase --include=python3,python3-venv,python3-pip "$release" "$work/$release" >"$work/log" 2>&1 || {
      tail -n 5 "$work/log" >&2
      not_tested "debootstrap failed for $release"
    }
    tar --create --directory "$work/$release" . | docker import - "$image" >/dev/null
  fi
  for what in deb archive wheel; do
    docker run --rm --network none --volume "$files:/files:ro" "$image" bash -c "$install" bash "$what"
  done
done

# The manual pages are well formed: man warns of what it cannot show.
if command -v man >/dev/null; then
  for page in target/release-assets/man/*.1; do
    warnings=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings --local-file "$page" 2>&1 >/dev/null)
    [ -z "$warnings" ] || { echo "$page: $warnings" >&2; exit 1; }
  done
fi
