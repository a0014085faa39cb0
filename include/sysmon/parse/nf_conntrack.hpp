// /proc/net/stat/nf_conntrack: the connection tracker's counters, a line a CPU.
#pragma once

#include <cstdint>
#include <string_view>

#include "sysmon/result.hpp"

namespace sysmon {

// The sum over all CPUs of the column `drop`. The first line names the columns, the others hold hexadecimal
// numbers:
//   entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop …
//   0000005e  00000000 00000000 00000000 00000000 00000054 …
// Error: malformed, with the line, where there is no such column or a line ends before it.
Result<std::uint64_t> parse_nf_conntrack_drops(std::string_view text);

}  // namespace sysmon
