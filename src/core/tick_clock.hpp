// TickClock: what time a tick has: the kernel's clocks, or those a recorded tree brings.
//
// Collector thread only.
#pragma once

#include <cstdint>

#include "sysmon/clock.hpp"
#include "sysmon/procfs.hpp"

namespace sysmon {

struct TickTime {
  std::int64_t mono_ns = 0;
  std::int64_t wall_ms = 0;
  std::int64_t boottime_ms = 0;
};

// Of the live machine, from `clock`. Of a recorded tree: monotonic time is /proc/uptime, wall time is btime
// of /proc/stat plus uptime; so a pair replays the interval it was recorded with. A tree without them begins
// at 0.
[[nodiscard]] TickTime read_tick_time(KernelFiles& files, const Clock& clock);

}  // namespace sysmon
