#!/usr/bin/env bash
# Every formatter and linter, pinned in pyproject.toml and web/package-lock.json. Stops at the first that complains.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
step() { printf 'lint: %s\n' "$*" >&2; "$@"; }

mapfile -t cpp < <(git ls-files '*.cpp' '*.hpp')
mapfile -t shell < <(git ls-files '*.sh' .ci/run)

step "$bin/ruff" format --check -q .
step "$bin/ruff" check -q .
step "$bin/mypy"
printf 'lint: clang-format (%d files)\n' "${#cpp[@]}" >&2
"$bin/clang-format" --dry-run --Werror "${cpp[@]}"
printf 'lint: shellcheck (%d files)\n' "${#shell[@]}" >&2
shellcheck "${shell[@]}"
step "$bin/hadolint" packaging/docker/Dockerfile
step "$bin/python" tools/tidy.py
tools/build-web.sh   # installs the page's linters
step tools/lint-web.sh
