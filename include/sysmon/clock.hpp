// Clock: the three times a host has, behind an interface so that tests and the simulation can pass their own.
#pragma once

#include <cstdint>

namespace sysmon {

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual std::int64_t mono_ns() const = 0;      // CLOCK_MONOTONIC: intervals
  [[nodiscard]] virtual std::int64_t wall_ms() const = 0;      // CLOCK_REALTIME: stamps
  [[nodiscard]] virtual std::int64_t boottime_ms() const = 0;  // CLOCK_BOOTTIME: runs on through a suspend
};

// The kernel's clocks. Static storage, any thread.
[[nodiscard]] const Clock& system_clock();

}  // namespace sysmon
