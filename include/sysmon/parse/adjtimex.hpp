// adjtimex(2): how well the clock is kept. A system call on a live machine, a text file in a recorded tree.
#pragma once

#include <cstdint>
#include <string_view>

#include "sysmon/result.hpp"

namespace sysmon {

struct ClockState {
  double offset_seconds = 0;     // what is still to be corrected
  double max_error_seconds = 0;  // the kernel's bound; grows by 500 ppm between corrections
  bool is_synchronized = false;  // someone has corrected the clock lately

  friend bool operator==(const ClockState&, const ClockState&) = default;
};

// From the call's return value and fields. `status` says whether the offset is in ns or µs (STA_NANO).
[[nodiscard]] ClockState clock_state(int state, int status, std::int64_t offset, std::int64_t max_error_us);

// The recorded form, a line a field:
//   state 0
//   status 8193
//   offset -12345
//   maxerror 500
//   esterror 16
// Error: malformed, with the line or the missing field's name.
Result<ClockState> parse_adjtimex(std::string_view text);

}  // namespace sysmon
