// /proc/pressure/{cpu,memory,io,irq}: how much of the time tasks waited for a resource.
// https://docs.kernel.org/accounting/psi.html
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "sysmon/result.hpp"

namespace sysmon {

// One line:
//   some avg10=0.69 avg60=0.67 avg300=0.76 total=32420789
struct PressureLine {
  double avg10 = 0;  // percent of the last 10 s
  double avg60 = 0;
  double avg300 = 0;
  std::uint64_t total_us = 0;  // since boot
  friend bool operator==(const PressureLine&, const PressureLine&) = default;
};

struct Pressure {
  std::optional<PressureLine> some;  // at least one task waited; absent for irq
  std::optional<PressureLine> full;  // all did; absent for cpu before 5.13
  friend bool operator==(const Pressure&, const Pressure&) = default;
};

// Lines of another kind than some and full, and fields after the known ones, are ignored.
// Error: malformed, with the line, where a known field is missing or not a number.
Result<Pressure> parse_pressure(std::string_view text);

}  // namespace sysmon
