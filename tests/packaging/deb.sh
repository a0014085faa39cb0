#!/usr/bin/env bash
# The .deb where there is no Python: installed, run against an aggregator on 127.0.0.1:9000, removed, purged.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"
export DEBIAN_FRONTEND=noninteractive
absent python3 sysmon curl

install() { apt-get install -y -q --no-install-recommends "$@" /given/dist/sysmon-agent_*.deb; }
# Everything there is, less what dpkg and apt write for themselves.
files() {
  find / -xdev \( -path /given -o -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /var/cache \
    -o -path /var/log -o -path '/var/lib/dpkg' -o -path '/var/lib/apt' -o -path /root \) -prune -o -print | sort
}
get() {
  exec 3<>/dev/tcp/127.0.0.1/9000
  printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$1" >&3
  cat <&3
  exec 3>&-
}

start=$SECONDS
install
seen "installed with what it depends on in $((SECONDS - start)) s: $(sysmon-agent --version)"
[ -f /usr/share/man/man8/sysmon-agent.8.gz ] || fail "no manual page"
grep -q '^ExecStart=/usr/bin/sysmon-agent ' /lib/systemd/system/sysmon-agent.service || fail "the unit's program"
[ -e /etc/systemd/system/multi-user.target.wants/sysmon-agent.service ] || fail "not enabled"

status=0
mkdir -p /root/.sysmon
printf 'agent: {mode: local}\n' >/root/.sysmon/agent.yaml
sysmon-agent --once | grep '"cpu.total_usage"' >/dev/null
sysmon-agent 2>/tmp/local || status=$?
[ $status -eq 3 ] || fail "mode: local without sysmon ends with $status"
[ "$(wc -l </tmp/local)" -eq 1 ] || { cat /tmp/local; fail "more than a line"; }
seen "mode: local: $(cat /tmp/local)"
rm -r /root/.sysmon
if sysmon-agent --check 2>/tmp/local; then fail "settings without a URL pass"; fi
seen "as installed: $(cat /tmp/local)"

apt-get purge -y -q sysmon-agent
files >/tmp/before
if grep sysmon /tmp/before; then fail "left after a purge"; fi

install
sed -i 's|.*aggregator_url:.*|  aggregator_url: http://127.0.0.1:9000|; s|push_interval: .*|push_interval: 1s|' /etc/sysmon/agent.yaml
(umask 077; cp /given/token /etc/sysmon/token)
# As the unit runs it: a user who owns nothing but its state, with copies of settings and token.
install_dir() { mkdir -m "$1" "$3"; chown "$2" "$3"; }
install_dir 0700 65534 /var/lib/sysmon-agent
install_dir 0500 65534 /tmp/credentials
cp /etc/sysmon/agent.yaml /tmp/credentials/agent.yaml
cp /etc/sysmon/token /tmp/credentials/auth_token
chown 65534 /tmp/credentials/*
chmod 0400 /tmp/credentials/*
CREDENTIALS_DIRECTORY=/tmp/credentials SYSMON_SPOOL_DIR=/var/lib/sysmon-agent/spool \
  setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs --bounding-set=-all \
  sysmon-agent --config /tmp/credentials/agent.yaml 2>/tmp/agent.log &
agent=$!
has_samples() { get '/api/metrics/latest?host=clean-root' | grep '"cpu.total_usage"' >/dev/null; }
until_true 60 has_samples
kill $agent
wait $agent || { cat /tmp/agent.log; fail "the agent's exit code"; }
[ -d /var/lib/sysmon-agent/spool ] || fail "no spool"
seen "as a user without rights: samples at the aggregator"

install --reinstall
grep -q '127.0.0.1:9000' /etc/sysmon/agent.yaml || fail "an upgrade overwrote the settings"
apt-get remove -y -q sysmon-agent
[ ! -e /usr/bin/sysmon-agent ] || fail "removed and there"
grep -q '127.0.0.1:9000' /etc/sysmon/agent.yaml || fail "removed, and the settings too"
apt-get purge -y -q sysmon-agent
files >/tmp/after
diff /tmp/before /tmp/after || fail "a purge leaves something"
seen "upgraded and removed: the settings stay; purged: nothing is left"
