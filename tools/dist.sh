#!/usr/bin/env bash
# Builds what is given away, into dist/: the sdist, from it the wheel for this Python and processor, and the list of
# their parts (CycloneDX). All files bear the time of the last commit, so that a second build gives the same bytes.
# auditwheel puts the libraries that not every host has into the wheel and names it after the oldest C library that
# it runs on: this machine's. cibuildwheel (pyproject.toml) does it for older ones.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$PWD/.venv/bin/python
work=build/dist
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
rm -rf "$work" dist/sysmon-[0-9]*
mkdir -p "$work" dist

# .venv has node where the system has none: nothing to be fetched for the page.
SYSMON_SYSTEM_NODE=1 "$python" -m build --no-isolation --sdist --outdir dist --config-setting=build-dir=build/sdist .
tar -xf dist/sysmon-*.tar.gz -C "$work"
"$python" -m build --no-isolation --wheel --outdir "$work" "$work"/sysmon-*/
PATH="$PWD/.venv/bin:$PATH" "$python" -m auditwheel -v repair --wheel-dir dist "$work"/sysmon-*.whl 2>"$work/auditwheel.log" ||
  { cat "$work/auditwheel.log" >&2; exit 1; }
version=$(basename dist/sysmon-*.tar.gz .tar.gz)
"$python" tools/sbom.py "dist/$version.cdx.json"
tools/sums.sh
