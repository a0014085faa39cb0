#!/usr/bin/env bash
# Builds dist/sysmon-agent_VERSION_ARCH.deb, the agent alone: a copy of what git knows, packaging/deb as its debian/.
set -euo pipefail
cd "$(dirname "$0")/.."
work=build/deb
rm -rf "$work"
mkdir -p "$work/source" dist
git ls-files -z CMakeLists.txt cmake src include config LICENSE README.md CHANGELOG.md packaging python/sysmon/units |
  tar --null -T - -c | tar -x -C "$work/source"
cp -r packaging/deb "$work/source/debian"
(cd "$work/source" && dpkg-buildpackage --build=binary --no-sign --no-check-builddeps >../build.log 2>&1) ||
  { tail -n 40 "$work/build.log" >&2; exit 1; }
rm -f dist/sysmon-agent_*
cp "$work"/sysmon-agent_*.deb dist/
tools/sums.sh
