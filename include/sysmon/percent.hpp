// percent_of: ratios as the agent sends them.
#pragma once

#include <cmath>

namespace sysmon {

// 100 × part / whole, rounded to two decimals: full-precision doubles cost three times the space at rest.
// REQUIRES: whole != 0.
[[nodiscard]] inline double percent_of(double part, double whole) {
  return std::round(10'000.0 * part / whole) / 100.0;
}

}  // namespace sysmon
