// /proc/vmstat: "pswpin 0", a line a counter, some two hundred of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "sysmon/result.hpp"

namespace sysmon {

// Counters since boot. Absent where this kernel has no such line.
struct VmStat {
  std::optional<std::uint64_t> pages_swapped_in;
  std::optional<std::uint64_t> pages_swapped_out;
  std::optional<std::uint64_t> page_faults;
  std::optional<std::uint64_t> major_faults;
  std::optional<std::uint64_t> oom_kills;  // since 4.13
};

// Unknown lines are passed over.
// Error: malformed, with the line, where one of them is not a number.
Result<void> parse_vmstat(std::string_view text, VmStat& out);

}  // namespace sysmon
