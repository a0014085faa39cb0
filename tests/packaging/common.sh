# What the scenarios share; sourced. They run in a clean Debian root: tools/package-test.sh.
# shellcheck shell=bash
set -euo pipefail

seen() { printf 'seen: %s\n' "$*"; }
fail() { printf 'failed: %s\n' "$*"; exit 1; }

# until_true SECONDS COMMAND…
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/tmp/until.log 2>&1; do
    [ $SECONDS -lt $end ] || { cat /tmp/until.log; fail "not within its time: $*"; }
    sleep 0.2
  done
}

# absent PATTERN…: no file of that name on the search path of programs or of the compiler.
absent() {
  local name
  for name in "$@"; do
    if command -v "$name" >/dev/null; then fail "$name is in the clean root"; fi
  done
}
