// FakeClock: a clock that a test sets by hand. Threads: any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "sysmon/clock.hpp"

namespace sysmon {

class FakeClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t mono_ns() const override { return ns_.load(); }
  [[nodiscard]] std::int64_t wall_ms() const override { return ns_.load() / 1'000'000; }
  [[nodiscard]] std::int64_t boottime_ms() const override { return ns_.load() / 1'000'000; }
  void advance(std::chrono::nanoseconds by) { ns_.fetch_add(by.count()); }

 private:
  std::atomic<std::int64_t> ns_{0};
};

}  // namespace sysmon
