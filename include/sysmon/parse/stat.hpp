// /proc/stat: CPU times since boot, and counters of the kernel as a whole.
// https://docs.kernel.org/filesystems/proc.html#miscellaneous-kernel-statistics-in-proc-stat
//
//     cpu  92089 3085 22174 519222 3116 0 470 4206 0 0
//     cpu0 38857 1639 10043 268903 507 0 52 2195 0 0
//     intr 1352459 0 0 …
//     ctxt 3616966
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "sysmon/result.hpp"

namespace sysmon {

// Columns of a cpu line. guest is also counted in user, guest_nice in nice.
enum class CpuMode : std::uint8_t {
  user,
  nice,
  system,
  idle,
  iowait,
  irq,
  softirq,
  steal,
  guest,
  guest_nice
};
inline constexpr std::size_t kCpuModes = 10;

struct CpuTimes {
  std::array<std::uint64_t, kCpuModes> ticks{};  // of USER_HZ, a hundredth of a second
  std::size_t columns = 0;  // how many of them this kernel has; at least 4, 10 since 2.6.33

  [[nodiscard]] std::optional<std::uint64_t> at(CpuMode mode) const {
    const auto column = static_cast<std::size_t>(mode);
    return column < columns ? std::optional(ticks[column]) : std::nullopt;
  }
};

struct CpuStat {
  unsigned cpu = 0;  // the number in its name: CPUs that are offline are left out of the file
  CpuTimes times;
};

// The cpu lines: `total` of all, and `cpus` replaced by one each, in the order of the file.
// Error: malformed, with the line.
Result<void> parse_stat_cpus(std::string_view text, CpuTimes& total, std::vector<CpuStat>& cpus);

// Absent where the kernel has no such line.
struct StatCounters {
  std::optional<std::uint64_t> interrupts;
  std::optional<std::uint64_t> context_switches;
  std::optional<std::uint64_t> boot_time_s;  // Unix seconds
  std::optional<std::uint64_t> forks;
  std::optional<std::uint64_t> procs_running;
  std::optional<std::uint64_t> procs_blocked;
};

// The other lines. Unknown ones are passed over.
// Error: malformed, with the line.
Result<void> parse_stat_counters(std::string_view text, StatCounters& out);

}  // namespace sysmon
