#!/usr/bin/env bash
# Installs what `make dist` and `make deb` made in clean Debian roots, and uses it there; and builds the agent twice.
#   tools/package-test.sh [wheel] [sdist] [deb] [twice]     as root; no argument: all four
# A root is this machine's own release, from its own apt sources. What a scenario does (tests/packaging) it does in
# namespaces of its own: it sees no network but its loopback, no process but its own, and leaves nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$PWD/build/package-test
scenarios=("$@")
[ $# -gt 0 ] || scenarios=(wheel sdist deb twice)

say() { printf 'package-test: %s\n' "$*" >&2; }
seconds() { printf '%d s' $((SECONDS - $1)); }
[ "$(id -u)" -eq 0 ] || { say "making a root needs root: sudo make package-test"; exit 1; }

# $work/base.tar: the smallest Debian, kept for the next run.
base() {
  [ -e "$work/base.tar" ] && return
  local start=$SECONDS mirror suite
  # shellcheck disable=SC2016 # apt's words
  read -r mirror suite < <(
    apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | grep -v -- '-[a-z]*$' | head -1)
  say "making a clean $suite"
  rm -rf "$work/base"
  debootstrap --variant=minbase "$suite" "$work/base" "$mirror" >"$work/debootstrap.log" 2>&1 ||
    { tail -n 20 "$work/debootstrap.log" >&2; exit 1; }
  tar -C "$work/base" -cf "$work/base.tar.new" .
  mv "$work/base.tar.new" "$work/base.tar"
  rm -rf "$work/base"
  say "a clean $suite: $(seconds "$start")"
}

# root NAME PACKAGE…: $work/NAME, with those packages from this machine's apt sources.
root() {
  local name=$1 path=$work/$1
  shift
  rm -rf --one-file-system "$path"
  mkdir -p "$path"
  tar -C "$path" -xf "$work/base.tar"
  cp -a /etc/apt/sources.list* /etc/apt/auth.conf.d /etc/apt/trusted.gpg* "$path/etc/apt/"
  cp -a /usr/share/keyrings/. "$path/usr/share/keyrings/"
  apt-config dump Acquire >"$path/etc/apt/apt.conf.d/00acquire"
  cp /etc/resolv.conf /etc/hosts "$path/etc/"
  in_root "$name" apt-get update -q
  [ $# -eq 0 ] || in_root "$name" apt-get install -y -q --no-install-recommends "$@"
}

in_root() {
  local name=$1
  shift
  DEBIAN_FRONTEND=noninteractive chroot "$work/$name" "$@" >>"$work/$name.log" 2>&1 ||
    { say "failed in the root $name: $*"; tail -n 20 "$work/$name.log" >&2; exit 1; }
}

# A compiler cache that is named in the environment is used where the sdist is built: a second run need not compile.
cached=()
[ -z "${CCACHE_DIR:-}" ] || cached=("CCACHE_DIR=/ccache" "CCACHE_BASEDIR=/tmp" "CCACHE_NOHASHDIR=1"
  "CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-}")

# What pip would fetch, for the roots have no network while they are tested.
wheelhouse() {
  [ "$work/wheelhouse" -nt tools/lock/run.txt ] && return
  rm -rf "$work/wheelhouse"
  .venv/bin/python -m pip download -q --disable-pip-version-check --only-binary :all: --require-hashes \
    --requirement tools/lock/run.txt --dest "$work/wheelhouse.new"
  mv "$work/wheelhouse.new" "$work/wheelhouse"
  touch "$work/wheelhouse"
}

# The agent of the sdist, compiled twice without a cache, in folders of other names and depths: the same bytes.
twice() {
  local start=$SECONDS folder agents=()
  rm -rf "$work/twice"
  for folder in "$work/twice/one" "$work/twice/a folder/further down"; do
    mkdir -p "$folder"
    tar -xf dist/sysmon-*.tar.gz -C "$folder" --strip-components=1
    (cd "$folder" && export CCACHE_DISABLE=1 &&
      cmake --preset release -D SYSMON_TESTS=OFF && cmake --build --preset release --target sysmon-agent) >>"$work/twice.log" 2>&1 ||
      { tail -n 20 "$work/twice.log" >&2; exit 1; }
    agents+=("$folder/build/release/sysmon-agent")
  done
  cmp "${agents[@]}" || { say "twice: the agent depends on where it is built; compare $work/twice"; exit 1; }
  say "twice: the same agent, $(sha256sum <"${agents[0]}" | cut -c1-12)…, $(seconds "$start")"
  rm -rf "$work/twice"
}

# run NAME: tests/packaging/NAME.sh within $work/NAME. An aggregator of this checkout stands by at 127.0.0.1:9000
# where the root has none.
run() {
  local name=$1 path=$work/$1 start=$SECONDS aggregator=
  mkdir -p "$path/given"
  cp -r dist "$work/wheelhouse" tests/packaging/*.sh "$path/given/"
  if [ "$name" = deb ]; then
    aggregator=$PWD/.venv/bin/sysmon-aggregator
    (umask 077; .venv/bin/sysmon token new >"$path/given/token")
    : >"$path/given/aggregator.yaml"
  fi
  # shellcheck disable=SC2016 # the inner shell's words
  unshare --mount --pid --net --ipc --uts --fork --kill-child bash -euc '
    hostname clean-root
    ip link set lo up
    mount --make-rprivate /
    mount -t proc proc "$1/proc"
    mount -t sysfs -o ro sysfs "$1/sys"
    mount -t tmpfs tmpfs "$1/tmp"
    mount --bind /dev "$1/dev"
    if [ -n "${CCACHE_DIR:-}" ] && [ "$2" = sdist ]; then
      mkdir -p "$1/ccache"
      mount --bind "$CCACHE_DIR" "$1/ccache"
    fi
    if [ -n "$3" ]; then
      SYSMON_AUTH_TOKEN_FILE=$1/given/token "$3" --config "$1/given/aggregator.yaml" --data-dir "$1/given/data" &
    fi
    root=$1 name=$2
    shift 3
    exec chroot "$root" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      "$@" bash "/given/$name.sh"' _ "$path" "$name" "$aggregator" "${cached[@]}" >"$work/$name.out" 2>&1 ||
    { say "$name failed"; tail -n 40 "$work/$name.out" >&2; exit 1; }
  grep '^seen: ' "$work/$name.out" | sed "s/^seen: /package-test: $name: /" >&2 || true
  say "$name: as expected, $(seconds "$start")"
  rm -rf --one-file-system "$path"
}

(cd dist && sha256sum --quiet --check SHA256SUMS)
mkdir -p "$work"
base
wheelhouse
for name in "${scenarios[@]}"; do
  start=$SECONDS
  rm -f "$work/$name.log"
  case $name in
  wheel)
    root wheel python3-venv
    in_root wheel apt-get clean
    in_root wheel apt-get install -y -q --no-install-recommends --download-only libcurl4
    ;;
  sdist)
    root sdist build-essential ccache cmake ninja-build python3-venv python3-dev zlib1g-dev libcurl4-openssl-dev \
      libyaml-cpp-dev nlohmann-json3-dev libsimdjson-dev libdeflate-dev libxxhash-dev
    ;;
  deb)
    root deb
    cp dist/sysmon-agent_*.deb "$work/deb/var/cache/"
    in_root deb sh -c 'apt-get install -y -q --no-install-recommends --download-only /var/cache/sysmon-agent_*.deb'
    ;;
  twice)
    twice
    continue
    ;;
  *) say "no scenario '$name': wheel, sdist, deb or twice" && exit 2 ;;
  esac
  say "$name: root made in $(seconds "$start")"
  run "$name"
done
