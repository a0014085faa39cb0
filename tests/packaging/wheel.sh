#!/usr/bin/env bash
# The wheel where there is python3-venv and no compiler, no header, no node: one machine, then a fleet of one.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"
absent gcc c++ cmake node npm
if dpkg-query -W -f '${Package}\n' | grep -e '-dev$' -e '^libcurl'; then fail "not a clean root"; fi

start=$SECONDS
python3 -m venv /opt/sysmon
/opt/sysmon/bin/pip install -q --no-index --find-links /given/dist --find-links /given/wheelhouse --only-binary :all: sysmon
seen "installed in $((SECONDS - start)) s: $(/opt/sysmon/bin/sysmon --version)"
export PATH=/opt/sysmon/bin:$PATH

sysmon now cpu memory | tee /tmp/now
grep -q memory /tmp/now
[ "$(head -c 4 "$(command -v sysmon-agent)" | tail -c 3)" = ELF ] || fail "sysmon-agent is no executable of its own"
sysmon-agent --once | grep '"cpu.total_usage"' >/dev/null
seen "sysmon now and sysmon-agent --once read this machine"

has_samples() { [ "$(sysmon metrics query cpu.total_usage --since 5m --format jsonl "$@" | wc -l)" -ge 3 ]; }
page() {
  python3 - "$1" <<'P'
import sys, urllib.request
page = urllib.request.urlopen(sys.argv[1]).read().decode()
app = urllib.request.urlopen(sys.argv[1] + "static/app.js").read()
assert "app.js" in page and len(app) > 10_000
P
}

sysmon up >/tmp/up.log 2>&1 &
up=$!
until_true 60 has_samples
page http://127.0.0.1:9000/
kill -INT $up
wait $up || true
seen "sysmon up: samples and the page"

umask 077
mkdir -p /root/.sysmon
sysmon token new >/root/.sysmon/token
export SYSMON_AUTH_TOKEN_FILE=/root/.sysmon/token
sysmon-aggregator --data-dir /tmp/fleet >/tmp/aggregator.log 2>&1 &
aggregator=$!
until_true 60 grep -q http: /tmp/aggregator.log
cat >/root/.sysmon/agent.yaml <<Y
agent:
  mode: distributed
  aggregator_url: http://127.0.0.1:9000
  hostname: web01
  push_interval: 1s
Y

# The one library that is opened at run time is missing here, and the agent says which.
if sysmon-agent 2>/tmp/agent.log; then fail "an agent without libcurl runs"; fi
grep -q libcurl4 /tmp/agent.log || { cat /tmp/agent.log; fail "the message names no package"; }
seen "without libcurl: $(cat /tmp/agent.log)"
DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends libcurl4
sysmon-agent 2>/tmp/agent.log &
agent=$!
until_true 60 has_samples --host web01
kill $agent
wait $agent || fail "the agent's exit code"
sysmon hosts list
kill $aggregator
wait $aggregator || fail "the aggregator's exit code"
seen "agent and aggregator: samples of web01"
