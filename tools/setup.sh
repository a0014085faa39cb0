#!/usr/bin/env bash
# Makes this checkout ready: apt packages, virtual environment, the dashboard's page, the native core.
#   tools/setup.sh run     what `make demo` needs
#   tools/setup.sh docs    that, and what builds the site of docs/
#   tools/setup.sh test    that, and what the tests and linters need (a browser, the test libraries, what breaks things)
#   tools/setup.sh bench   that, the benchmark library, and the stores and agents that ours are compared with
#   tools/setup.sh fuzz    that, and clang with its sanitizers' run time
#   tools/setup.sh package that, and what builds and tries packages
# Says what it installs; does nothing that is done already. Debian 12, Ubuntu 24.04 and later, as root or with sudo.
set -euo pipefail
cd "$(dirname "$0")/.."
purpose=${1:-run}

say() { printf 'setup: %s\n' "$*" >&2; }

is_installed() {
  dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q '^install ok installed'
}

need_apt() {
  local missing=() package
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  if ! command -v apt-get >/dev/null; then
    say "these Debian packages are needed and there is no apt-get here: ${missing[*]}"
    exit 1
  fi
  say "installing with apt-get: ${missing[*]}"
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { say "run as root, or install sudo, or run: apt-get install ${missing[*]}"; exit 1; }
    sudo=(sudo)
  fi
  "${sudo[@]}" apt-get update -q >&2
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}" >&2
}

# Packages that come with a service of the same name. Tests and benchmarks start their own processes, so a service
# that came with what is installed here is stopped for good; one that was there before is somebody's and stays.
need_peers() {
  local new=() package
  for package in "$@"; do is_installed "$package" || new+=("$package"); done
  RUNLEVEL=1 need_apt "$@"  # where there is no systemd, nothing starts in that runlevel
  if [ ${#new[@]} -gt 0 ] && [ -d /run/systemd/system ]; then
    say "stopping and disabling the services of ${new[*]}" # collectd-core's is called collectd
    $([ "$(id -u)" -eq 0 ] || echo sudo) systemctl disable --now "${new[@]%-core}" >&2
  fi
}

find_python() {
  local candidate
  for candidate in python3 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null &&
      "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  say "Python 3.11 or later is needed; found: $(python3 --version 2>&1 || echo none)"
  exit 1
}

need_apt build-essential cmake ninja-build ccache ca-certificates python3 python3-venv python3-dev \
  zlib1g-dev libcurl4-openssl-dev libcurl4 libyaml-cpp-dev nlohmann-json3-dev \
  libsimdjson-dev libdeflate-dev libxxhash-dev
case $purpose in
run | docs) ;;
test)
  need_apt chromium doctest-dev fonts-dejavu-core shellcheck curl openssl strace libfaketime
  need_peers nginx
  ;;
bench)
  need_apt doctest-dev libbenchmark-dev libsnappy-dev
  need_peers prometheus prometheus-node-exporter victoria-metrics collectd-core
  need_apt libyajl2 libcurl3-gnutls # what collectd's write_http loads, and its package only recommends
  ;;
fuzz) need_apt doctest-dev clang libclang-rt-dev ;;
package) need_apt debhelper debootstrap fakeroot help2man iproute2 lintian ;;
*) say "unknown purpose '$purpose': run, docs, test, bench, fuzz or package" && exit 2 ;;
esac

python=$(find_python)
if [ ! -x .venv/bin/python ]; then
  say "making the virtual environment .venv with $("$python" --version)"
  "$python" -m venv .venv
fi

# Benchmarks and fuzzers are driven from Python too.
case $purpose in
run | docs) extra="$purpose" ;;
*) extra="test" ;;
esac
# Exactly what tools/lock/ names, by the hashes of its files.
locks=(tools/lock/run.txt)
[ "$extra" = run ] || locks+=("tools/lock/$extra.txt")
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then locks+=(tools/lock/node.txt); fi
# What is installed is remembered by the hash of what asked for it.
stamp=.venv/setup-$extra
wanted=$(sha256sum "${locks[@]}" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ]; then
  say "installing Python packages into .venv"
  .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes "${locks[@]/#/--requirement=}"
  echo "$wanted" >"$stamp"
fi
