#include "core/tick_clock.hpp"

#include "sysmon/parse/stat.hpp"
#include "sysmon/parse/uptime.hpp"

namespace sysmon {

TickTime read_tick_time(KernelFiles& files, const Clock& clock) {
  if (files.root().is_live()) return {clock.mono_ns(), clock.wall_ms(), clock.boottime_ms()};
  TickTime time;
  if (const auto text = files.file("/proc/uptime").read()) {
    if (const auto uptime_ms = parse_uptime(*text)) time.boottime_ms = *uptime_ms;
  }
  time.mono_ns = time.boottime_ms * 1'000'000;
  time.wall_ms = time.boottime_ms;
  if (const auto text = files.file("/proc/stat").read()) {
    StatCounters counters;
    if (parse_stat_counters(*text, counters).ok() && counters.boot_time_s) {
      time.wall_ms += static_cast<std::int64_t>(*counters.boot_time_s) * 1000;
    }
  }
  return time;
}

}  // namespace sysmon
