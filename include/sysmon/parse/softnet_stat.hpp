// /proc/net/softnet_stat: packets between the card and the stack, a line of hexadecimal numbers a CPU.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "sysmon/result.hpp"

namespace sysmon {

//   0000a711 00000000 00000002 00000000 … 00000001 00000000
// Columns: processed, dropped, squeezed, …; the thirteenth is the CPU's number, since 5.10 (5.9 counts
// lines).
struct SoftnetStat {
  std::uint32_t cpu = 0;
  std::uint32_t dropped = 0;   // the backlog was full
  std::uint32_t squeezed = 0;  // the budget ran out with work left
  friend bool operator==(const SoftnetStat&, const SoftnetStat&) = default;
};

// Appends a line's counters per CPU. Error: malformed, with the line.
Result<void> parse_softnet_stat(std::string_view text, std::vector<SoftnetStat>& out);

}  // namespace sysmon
