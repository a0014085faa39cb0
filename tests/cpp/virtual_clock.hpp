// VirtualClock: a clock that stands still until a test moves it. A boot sets the monotonic clocks to 0 and leaves the
// wall clock alone.
#pragma once

#include <cstdint>

#include "sysmon/clock.hpp"

namespace sysmon::test {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kSecond = 1'000 * kMs;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;

class VirtualClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t mono_ns() const override { return now - booted_at; }
  [[nodiscard]] std::int64_t wall_ms() const override {
    return 1'738'858'800'000 + wall_offset_ms + now / kMs;
  }
  [[nodiscard]] std::int64_t boottime_ms() const override { return mono_ns() / kMs; }
  std::int64_t now = kHour;  // what goes on whatever happens to the host
  std::int64_t booted_at = 0;
  std::int64_t wall_offset_ms = 0;
};

}  // namespace sysmon::test
