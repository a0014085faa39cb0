// /proc/uptime: "3223.81 5192.22", seconds since boot and idle seconds of all CPUs.
#pragma once

#include <cstdint>
#include <string_view>

#include "sysmon/result.hpp"

namespace sysmon {

// Milliseconds since boot, time asleep included.
// Error: malformed.
Result<std::int64_t> parse_uptime(std::string_view text);

}  // namespace sysmon
