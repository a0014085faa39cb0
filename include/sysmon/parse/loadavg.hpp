// /proc/loadavg: "5.20 2.62 1.42 11/250 30924".
#pragma once

#include <string_view>

#include "sysmon/result.hpp"

namespace sysmon {

// Means over 1, 5 and 15 minutes of the tasks that run or wait uninterruptibly.
struct LoadAverage {
  double avg1 = 0;
  double avg5 = 0;
  double avg15 = 0;
};

// Error: malformed.
Result<LoadAverage> parse_loadavg(std::string_view text);

}  // namespace sysmon
