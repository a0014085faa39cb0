#!/usr/bin/env bash
# Writes dist/SHA256SUMS over what is in dist/, and shows it: `cd dist && sha256sum --check SHA256SUMS`.
set -euo pipefail
cd "$(dirname "$0")/../dist"
rm -f SHA256SUMS
sha256sum -- * >../build/SHA256SUMS
mv ../build/SHA256SUMS .
cat SHA256SUMS >&2
