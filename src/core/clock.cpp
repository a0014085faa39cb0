#include "sysmon/clock.hpp"

#include <ctime>

namespace sysmon {
namespace {

std::int64_t nanoseconds(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t mono_ns() const override { return nanoseconds(CLOCK_MONOTONIC); }
  [[nodiscard]] std::int64_t wall_ms() const override { return nanoseconds(CLOCK_REALTIME) / 1'000'000; }
  [[nodiscard]] std::int64_t boottime_ms() const override { return nanoseconds(CLOCK_BOOTTIME) / 1'000'000; }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace sysmon
