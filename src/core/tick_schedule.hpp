// TickSchedule: when the ticks are due. Pure arithmetic on monotonic nanoseconds.
//
// Tick 0 is due at the start, tick 1 a second (or an interval) later so that rates are there early, and all
// later ones on the grid start + phase + k × interval. A late tick does not shift the grid; what it missed is
// left out.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace sysmon {

class TickSchedule {
 public:
  using Nanoseconds = std::chrono::nanoseconds;

  TickSchedule(std::int64_t start_ns, Nanoseconds interval, Nanoseconds phase)
      : anchor_ns_(start_ns + phase.count()), interval_ns_(interval.count()), due_ns_(start_ns) {}

  // When the next tick is due.
  [[nodiscard]] std::int64_t due_ns() const { return due_ns_; }

  // The due tick has been made, and it is `now_ns`.
  void advance(std::int64_t now_ns) {
    if (is_first_) {
      is_first_ = false;
      due_ns_ += std::min<std::int64_t>(interval_ns_, 1'000'000'000);
      if (due_ns_ > now_ns) return;
    }
    // Not right after the last one: tick 1 may lie just before a point of the grid.
    const std::int64_t earliest = std::max(now_ns, due_ns_ + interval_ns_ / 4);
    const std::int64_t passed = std::max<std::int64_t>(0, (earliest - anchor_ns_) / interval_ns_);
    due_ns_ = anchor_ns_ + (passed + 1) * interval_ns_;
  }

  // The grid goes on from the last tick with another interval.
  void set_interval(std::int64_t last_tick_ns, Nanoseconds interval) {
    interval_ns_ = interval.count();
    anchor_ns_ = last_tick_ns;
    if (!is_first_) due_ns_ = last_tick_ns + interval_ns_;
  }

 private:
  std::int64_t anchor_ns_;
  std::int64_t interval_ns_;
  std::int64_t due_ns_;
  bool is_first_ = true;
};

}  // namespace sysmon
