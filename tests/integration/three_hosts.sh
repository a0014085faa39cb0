#!/usr/bin/env bash
# Three agents, each in a network namespace of its own, and an aggregator behind a bridge; one host is cut off and
# comes back. Nothing may be lost, and `sysmon hosts list` must show it online, stale, offline and online again.
#
#   tests/integration/three_hosts.sh [FOLDER OF THE PROGRAMS]      default: .venv/bin of this checkout
#
# Runs as root, or as anybody where user namespaces are allowed; otherwise it says so and ends with 77 (skipped).
# Everything it makes lies in namespaces of its own, which are gone with its processes.
set -euo pipefail

here=$(cd "$(dirname "$0")/../.." && pwd)
bin=$(cd "${1:-$here/.venv/bin}" && pwd)
say() { printf 'three_hosts: %s\n' "$*" >&2; }
skip() { say "skipped: $*"; exit 77; }
fail() { say "FAILED: $*"; tail -n 15 "$work"/*.log >&2 || true; exit 1; }

if [ -z "${THREE_HOSTS_INSIDE:-}" ]; then
  for program in ip unshare nsenter; do
    command -v "$program" >/dev/null || skip "there is no $program (Debian: iproute2, util-linux)"
  done
  for program in sysmon sysmon-agent sysmon-aggregator; do
    [ -x "$bin/$program" ] || skip "there is no $program in $bin"
  done
  own=(unshare --net)
  [ "$(id -u)" -eq 0 ] || own=(unshare --user --map-root-user --net)
  "${own[@]}" ip link add name probe type bridge 2>/dev/null ||
    skip "no network namespaces here: run it as root, or allow user namespaces"
  exec env THREE_HOSTS_INSIDE=1 "${own[@]}" "$0" "$bin"
fi

work=$(mktemp -d)
pids=()
cleanup() {
  local pid
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# ---- the network -----------------------------------------------------------------------------------------------

ip link set lo up
ip link add name fleet type bridge
ip addr add 10.99.0.1/24 dev fleet
ip link set fleet up

declare -A namespace # host -> a process that keeps its namespace
add_host() {         # NAME NUMBER
  unshare --net sleep 600 &
  namespace[$1]=$!
  pids+=("$!")
  until [ "$(readlink "/proc/${namespace[$1]}/ns/net")" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.05; done
  ip link add name "v-$1" type veth peer name eth0 netns "${namespace[$1]}"
  ip link set "v-$1" master fleet up
  nsenter -t "${namespace[$1]}" --net sh -c "ip link set lo up; ip addr add 10.99.0.$2/24 dev eth0; ip link set eth0 up"
}

# ---- the aggregator and three agents ---------------------------------------------------------------------------

export HOME=$work SYSMON_READ_TOKENS SYSMON_READ_TOKEN SYSMON_AUTH_TOKEN
SYSMON_AUTH_TOKEN=$("$bin/sysmon" token new 2>/dev/null)
SYSMON_READ_TOKEN=$("$bin/sysmon" token new 2>/dev/null)
SYSMON_READ_TOKENS=$SYSMON_READ_TOKEN
url=http://10.99.0.1:9000
SYSMON_STALE_MIN_S=3 SYSMON_OFFLINE_MIN_S=12 \
  "$bin/sysmon-aggregator" --host 10.99.0.1 --data-dir "$work/data" >"$work/aggregator.out" 2>"$work/aggregator.log" &
pids+=("$!")
until grep -q http "$work/aggregator.out"; do kill -0 "${pids[-1]}" || fail "the aggregator does not start"; sleep 0.1; done

declare -A agent
number=11
for host in alpha beta gamma; do
  add_host "$host" "$number"
  number=$((number + 1))
  cat >"$work/$host.yaml" <<YAML
agent:
  mode: distributed
  aggregator_url: $url
  push_interval: 1s
  hostname: $host
  spool: {dir: $work/$host}
YAML
  nsenter -t "${namespace[$host]}" --net "$bin/sysmon-agent" --config "$work/$host.yaml" 2>"$work/$host.log" &
  agent[$host]=$!
  pids+=("$!")
done

# ---- what the command line says of them, all the time ----------------------------------------------------------

"$bin/sysmon" --aggregator "$url" hosts list --watch 0.3 --format jsonl --columns hostname,status \
  >"$work/states" 2>"$work/states.log" &
pids+=("$!")
states() { # HOST: every state it was seen in, one after the other
  sed -n "s/.*\"hostname\": \"$1\", \"status\": \"\([a-z]*\)\".*/\1/p" "$work/states" | uniq | paste -sd' '
}
until_states() { # HOST "STATES": waits until it was seen in these, and no others
  local until=$((SECONDS + 60))
  while [ "$(states "$1")" != "$2" ]; do
    [ "$SECONDS" -lt "$until" ] || fail "$1 was seen '$(states "$1")', expected '$2'"
    sleep 0.2
  done
}

for host in alpha beta gamma; do until_states "$host" "online"; done
say "three hosts are online"
sleep 2
ip link set v-beta down
say "beta is cut off"
until_states beta "online stale offline"
say "beta was seen stale, then offline"
ip link set v-beta up
until_states beta "online stale offline online"
say "beta is back"
[ "$(states alpha) $(states gamma)" = "online online" ] || fail "the others were not left alone"

# ---- nothing is lost -------------------------------------------------------------------------------------------

sleep 2
for host in alpha beta gamma; do # a last push, so that everything collected is there
  kill "${agent[$host]}"
  wait "${agent[$host]}" || fail "the agent of $host ended badly"
done
for host in alpha beta gamma; do
  ledger=$("$bin/sysmon" --aggregator "$url" hosts show "$host" --json || [ $? -eq 7 ])
  printf '%s' "$ledger" | grep -q '"dropped": 0[,}]' || fail "$host declares drops: $ledger"
  printf '%s' "$ledger" | grep -q '"gaps": 0[,}]' || fail "$host has gaps: $ledger"
  # Ticks come once a second, so a hole of two seconds would be a tick that is not there.
  hole=$("$bin/sysmon" sql --data-dir "$work/data" --format plain --no-headers \
    "SELECT max(d) FROM (SELECT timestamp - lag(timestamp) OVER (ORDER BY timestamp) AS d
     FROM metrics WHERE host = '$host' AND type = 'load.avg1' AND timestamp > unixepoch() - 3600)")
  awk -v hole="$hole" 'BEGIN { exit !(hole > 0 && hole < 1.9) }' || fail "$host has a hole of $hole s"
  say "$host: nothing dropped, no gap, at most $hole s between two samples"
done
