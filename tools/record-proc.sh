#!/bin/bash
# Records the kernel files that sysmon reads, as a tree that --proc-root can replay.
#
#   tools/record-proc.sh DIR            one reading into DIR
#   tools/record-proc.sh DIR SECONDS    a pair, DIR/t0 and DIR/t1, that far apart: rates need two
#
# Host names, addresses and serial numbers are not recorded, or replaced. Read the result before you share it:
# mount points, interface and unit names are kept. tests/fixtures/proc/README.md describes the files.
set -euo pipefail

dir=${1:?usage: record-proc.sh DIR [SECONDS]}
seconds=${2:-}

# Copies kernel files that exist, empty ones too: their st_size is 0 and says nothing.
keep() {
  local tree=$1 file
  shift
  for file in "$@"; do
    [[ -f $file && -r $file ]] || continue
    mkdir -p "$tree$(dirname "$file")"
    cat -- "$file" >"$tree$file" 2>/dev/null || rm -f "$tree$file" # EINVAL: a virtual interface has no speed
  done
}

# One line a mount: what statvfs(3) says of it.
record_statvfs() {
  local mount space
  awk '{print $5}' /proc/self/mountinfo | sort -u | while IFS= read -r mount; do
    if space=$(timeout 5 stat -f -c '%S %b %f %a %c %d' -- "$(printf '%b' "$mount")" 2>/dev/null); then
      printf '%s %s\n' "$mount" "$space"
    fi
  done
}

# What adjtimex(2) says, without setting anything.
record_adjtimex() {
  local number
  case $(uname -m) in
    x86_64) number=159 ;;
    aarch64 | riscv64) number=171 ;;
    *) return 0 ;;
  esac
  perl -e '
    my $timex = "\0" x 208;
    my $state = syscall($ARGV[0] + 0, $timex);
    my ($modes, $offset, $freq, $maxerror, $esterror, $status) = unpack("i x4 q q q q i", $timex);
    printf "state %d\nstatus %d\noffset %d\nmaxerror %d\nesterror %d\n", $state, $status, $offset, $maxerror, $esterror;
  ' "$number"
}

# Names and addresses of machines become words of the same shape.
scrub() {
  local tree=$1 host
  host=$(uname -n)
  if [[ -f $tree/proc/self/mountinfo ]]; then
    sed -E -i \
      -e 's/([0-9]{1,3}\.){3}[0-9]{1,3}/192.0.2.1/g' \
      -e "s#\b${host//[^a-zA-Z0-9.-]/.}\b#host#g" \
      -e 's/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/00000000-0000-4000-8000-000000000000/g' \
      "$tree/proc/self/mountinfo"
  fi
  if [[ -f $tree/proc/sys/kernel/random/boot_id ]]; then
    echo 00000000-0000-4000-8000-000000000001 >"$tree/proc/sys/kernel/random/boot_id"
  fi
}

record() {
  local tree=$1 device
  mkdir -p "$tree"
  # The counters first, close together.
  keep "$tree" /proc/uptime /proc/stat /proc/meminfo /proc/loadavg /proc/diskstats /proc/vmstat \
    /proc/net/{dev,snmp,netstat,sockstat,softnet_stat,stat/nf_conntrack} /proc/pressure/{cpu,memory,io,irq} \
    /proc/sys/fs/file-nr /proc/sys/kernel/random/entropy_avail /proc/spl/kstat/zfs/arcstats /proc/mdstat \
    /proc/sys/net/netfilter/nf_conntrack_{count,max}
  keep "$tree" /proc/self/mountinfo /proc/sys/kernel/{osrelease,arch,pid_max,threads-max,random/boot_id} \
    /proc/cpuinfo /etc/{os-release,debian_version} /run/reboot-required /sys/class/dmi/id/{sys_vendor,product_name}
  for device in /sys/class/net/*/; do
    keep "$tree" "$device"{operstate,flags,speed,mtu,carrier_changes}
  done
  for device in /sys/block/*/; do keep "$tree" "$device"size; done
  for device in /sys/devices/system/cpu/cpu[0-9]*/; do
    keep "$tree" "$device"topology/{physical_package_id,core_id} "$device"cpufreq/scaling_cur_freq \
      "$device"thermal_throttle/core_throttle_count
  done
  for device in /sys/class/hwmon/*/; do
    keep "$tree" "$device"{name,temp*_{label,input,crit,fault},fan*_{label,input},in*_{label,input},power*_{label,input,average},energy*_{label,input}}
    # The chip is named after its device; the link is all that is needed of it.
    if [[ -L ${device}device && -d $tree$device ]]; then cp -P "${device}device" "$tree$device"; fi
  done
  for device in /sys/class/power_supply/*/; do
    keep "$tree" "$device"{type,scope,present,status,capacity,{energy,charge}_{now,full},power_now,current_now,voltage_now}
  done
  for device in /sys/class/powercap/*/; do keep "$tree" "$device"{name,energy_uj,max_energy_range_uj}; done
  # A few processes show the format; their names are not needed.
  for device in $(find /proc -maxdepth 1 -name '[0-9]*' | sort -V | head -n 8); do
    keep "$tree" "$device/stat"
    [[ -f $tree$device/stat ]] && sed -E -i 's/\(.*\)/(process)/' "$tree$device/stat"
  done
  record_statvfs >"$tree/statvfs"
  record_adjtimex >"$tree/adjtimex"
  if [[ -d /run/systemd/system ]]; then
    systemctl list-units --all --plain --no-legend --no-pager >"$tree/systemd_units"
  fi
  scrub "$tree"
}

if [[ -z $seconds ]]; then
  record "$dir"
else
  record "$dir/t0"
  sleep "$seconds"
  record "$dir/t1"
fi
