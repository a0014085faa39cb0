// Timeline: virtual time, and what happens in it: the schedule's events, and the ticks of the collector's thread, which
// come while the publisher's thread waits for network or disk.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "schedule.hpp"
#include "virtual_clock.hpp"

namespace sysmon::sim {

class Timeline {
 public:
  explicit Timeline(std::vector<Event> events) : events_(std::move(events)) {}

  test::VirtualClock clock;
  std::function<void(const Event& event)> happen;  // may throw
  std::function<void()> tick;
  std::int64_t tick_due = INT64_MAX;                   // the host sets it
  bool is_tick_held = false;                           // sabotage: it waits
  std::function<void(const std::string& line)> trace;  // empty: nobody wants to read it

  [[nodiscard]] std::int64_t now() const { return clock.now; }
  [[nodiscard]] bool is_over() const { return next_ == events_.size(); }
  [[nodiscard]] std::int64_t next_event() const { return is_over() ? INT64_MAX : events_[next_].at; }

  // Until `until`, or an event before that.
  void advance_to_event(std::int64_t until) { advance(std::min(until, next_event())); }

  // All the way, through whatever happens.
  void advance(std::int64_t until) {
    for (;;) {
      const std::int64_t tick_at = is_tick_held ? INT64_MAX : tick_due;
      const std::int64_t next = std::min(tick_at, next_event());
      if (next > until) break;
      clock.now = std::max(clock.now, next);
      if (tick_at <= clock.now) {
        tick();
        continue;
      }
      const Event& event = events_[next_++];
      if (trace) say(describe(event));
      happen(event);
    }
    clock.now = std::max(clock.now, until);
  }

  void say(const std::string& line) const {
    if (trace) trace(line);
  }

 private:
  std::vector<Event> events_;
  std::size_t next_ = 0;
};

}  // namespace sysmon::sim
