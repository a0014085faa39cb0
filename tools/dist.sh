#!/usr/bin/env bash
# Builds what is given away, into dist/: the sdist, and from it the wheel for this Python and processor.
# auditwheel puts the libraries that not every host has into the wheel and names it after the oldest C library that
# it runs on: this machine's. cibuildwheel (pyproject.toml) does it for older ones.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$PWD/.venv/bin/python
work=build/dist
rm -rf "$work" dist/sysmon-*.tar.gz dist/sysmon-*.whl
mkdir -p "$work" dist

# .venv has node where the system has none: nothing to be fetched for the page.
SYSMON_SYSTEM_NODE=1 "$python" -m build --no-isolation --sdist --outdir dist --config-setting=build-dir=build/sdist .
tar -xf dist/sysmon-*.tar.gz -C "$work"
"$python" -m build --no-isolation --wheel --outdir "$work" "$work"/sysmon-*/
PATH="$PWD/.venv/bin:$PATH" "$python" -m auditwheel -v repair --wheel-dir dist "$work"/sysmon-*.whl 2>"$work/auditwheel.log" ||
  { cat "$work/auditwheel.log" >&2; exit 1; }
ls -l dist >&2
