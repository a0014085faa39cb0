#!/usr/bin/env bash
# The sdist where there is a compiler and no node: it brings the page, and what pip builds from it works.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"
absent node npm

start=$SECONDS
python3 -m venv /opt/sysmon
/opt/sysmon/bin/pip install -q --no-index --find-links /given/wheelhouse --no-binary sysmon /given/dist/sysmon-*.tar.gz
seen "built and installed in $((SECONDS - start)) s: $(/opt/sysmon/bin/sysmon --version)"
export PATH=/opt/sysmon/bin:$PATH

sysmon now cpu
site=$(python3 -c 'import sysmon, pathlib; print(pathlib.Path(sysmon.__file__).parent)')
[ -s "$site/api/static/app.js" ] || fail "no page"
sysmon up --port 9100 >/tmp/up.log 2>&1 &
up=$!
has_samples() { [ "$(SYSMON_AGGREGATOR_URL=http://127.0.0.1:9100 sysmon metrics query cpu.total_usage --since 5m --format jsonl | wc -l)" -ge 2 ]; }
until_true 60 has_samples
kill -INT $up
wait $up || true
seen "sysmon up: samples"
