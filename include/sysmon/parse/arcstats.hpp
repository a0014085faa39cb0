// /proc/spl/kstat/zfs/arcstats: the cache of OpenZFS, "size 4 1234567890" after two lines of heading.
#pragma once

#include <cstdint>
#include <string_view>

#include "sysmon/result.hpp"

namespace sysmon {

struct ArcStats {
  std::uint64_t size_bytes = 0;
  std::uint64_t min_bytes = 0;  // c_min: what lies above it is given back under pressure
};

// Error: malformed, where one of the two is missing or not a number.
Result<ArcStats> parse_arcstats(std::string_view text);

}  // namespace sysmon
