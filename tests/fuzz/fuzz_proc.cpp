// Any text as a kernel file: a value or an error, never a crash, never a read past its end.
//
// The first byte says which file; the corpus holds these numbers, so new parsers go to the end of the table.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "sysmon/filesystem.hpp"
#include "sysmon/parse/adjtimex.hpp"
#include "sysmon/parse/arcstats.hpp"
#include "sysmon/parse/diskstats.hpp"
#include "sysmon/parse/file_nr.hpp"
#include "sysmon/parse/hwmon.hpp"
#include "sysmon/parse/loadavg.hpp"
#include "sysmon/parse/mdstat.hpp"
#include "sysmon/parse/meminfo.hpp"
#include "sysmon/parse/mountinfo.hpp"
#include "sysmon/parse/net_counters.hpp"
#include "sysmon/parse/net_dev.hpp"
#include "sysmon/parse/nf_conntrack.hpp"
#include "sysmon/parse/os_release.hpp"
#include "sysmon/parse/pid_stat.hpp"
#include "sysmon/parse/pressure.hpp"
#include "sysmon/parse/sockstat.hpp"
#include "sysmon/parse/softnet_stat.hpp"
#include "sysmon/parse/stat.hpp"
#include "sysmon/parse/uptime.hpp"
#include "sysmon/parse/utmp.hpp"
#include "sysmon/parse/vmstat.hpp"
#include "sysmon/tag_text.hpp"

namespace {

using namespace sysmon;  // NOLINT(google-build-using-namespace)

// Of the parsers that append: what they view lies within the text.
void check_inside(std::string_view part, std::string_view whole) {
  if (part.empty()) return;
  if (part.data() < whole.data() || part.data() + part.size() > whole.data() + whole.size()) std::abort();
}

void stat(std::string_view text) {
  CpuTimes total;
  std::vector<CpuStat> cpus;
  (void)parse_stat_cpus(text, total, cpus);
  StatCounters counters;
  (void)parse_stat_counters(text, counters);
}

void meminfo(std::string_view text) {
  MemInfo info;
  (void)parse_meminfo(text, info);
}

void diskstats(std::string_view text) {
  std::vector<DiskStat> disks;
  (void)parse_diskstats(text, disks);
  for (const DiskStat& disk : disks) check_inside(disk.device, text);
}

void net_dev(std::string_view text) {
  std::vector<NetDev> devices;
  (void)parse_net_dev(text, devices);
}

void net_counters(std::string_view text) {
  static constexpr std::array<NetCounter, 3> kWanted{
      {{"Tcp", "RetransSegs"}, {"Udp", "InErrors"}, {"TcpExt", "ListenDrops"}}};
  NetCounterParser parser(kWanted);
  std::array<std::optional<std::uint64_t>, kWanted.size()> values;
  (void)parser.parse(text, values);
  (void)parser.parse(text, values);  // the second time it knows the columns
}

void mountinfo(std::string_view text) {
  std::vector<Mount> mounts;
  (void)parse_mountinfo(text, mounts);
  (void)real_mounts(mounts, {});
  (void)unescape_mount(text);
}

void vmstat(std::string_view text) {
  VmStat stat;
  (void)parse_vmstat(text, stat);
}

void mdstat(std::string_view text) {
  std::vector<MdArray> arrays;
  (void)parse_mdstat(text, arrays);
}

void softnet_stat(std::string_view text) {
  std::vector<SoftnetStat> cpus;
  (void)parse_softnet_stat(text, cpus);
}

void statvfs(std::string_view text) {
  const std::string_view mountpoint = text.substr(0, text.find(' '));
  (void)parse_statvfs(text, mountpoint);
}

void utmp(std::string_view text) {
  constexpr std::size_t kRecordBytes = 384;
  const auto users = parse_utmp_users(text, kRecordBytes);
  if (users && *users > text.size() / kRecordBytes) std::abort();
}

// Cut into words the same way whatever they are: names of devices, of files in hwmon, of users.
void name(std::string_view text) {
  if (tag_text(text).size() > kMaxTagBytes) std::abort();
  (void)parse_sensor_attribute(text);
  (void)chip_name(text, text);
}

using Parse = void (*)(std::string_view);
template <auto parser>
void only(std::string_view text) {
  (void)parser(text);
}

constexpr Parse kParsers[] = {
    &stat,
    &meminfo,
    &diskstats,
    &net_dev,
    &net_counters,
    &mountinfo,
    &vmstat,
    &mdstat,
    &softnet_stat,
    &statvfs,
    &utmp,
    &name,
    &only<&parse_loadavg>,
    &only<&parse_pressure>,
    &only<&parse_pid_stat>,
    &only<&parse_sockstat>,
    &only<&parse_uptime>,
    &only<&parse_file_nr>,
    &only<&parse_nf_conntrack_drops>,
    &only<&parse_os_release>,
    &only<&parse_adjtimex>,
    &only<&parse_arcstats>,
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // A copy of exactly this size: a read past its end is noticed.
  const std::vector<char> text(data + 1, data + size);
  kParsers[data[0] % std::size(kParsers)]({text.data(), text.size()});
  return 0;
}
