#include <doctest/doctest.h>

#include <vector>

#include "core/tick_schedule.hpp"

using namespace sysmon;
using std::chrono::milliseconds;

namespace {

constexpr std::int64_t kMs = 1'000'000;

// When the first `count` ticks come, in milliseconds, if each is made `late` after it was due.
std::vector<std::int64_t> ticks(TickSchedule schedule, int count, std::int64_t late_ms = 0) {
  std::vector<std::int64_t> due;
  for (int i = 0; i < count; ++i) {
    due.push_back(schedule.due_ns() / kMs);
    schedule.advance(schedule.due_ns() + late_ms * kMs);
  }
  return due;
}

}  // namespace

TEST_CASE("tick schedule: at once, after a second, then on the grid") {
  CHECK(ticks(TickSchedule(0, milliseconds(10'000), milliseconds(0)), 5) ==
        std::vector<std::int64_t>{0, 1000, 10'000, 20'000, 30'000});
  CHECK(ticks(TickSchedule(0, milliseconds(10'000), milliseconds(3'700)), 4) ==
        std::vector<std::int64_t>{0, 1000, 3'700 + 10'000, 3'700 + 20'000});
}

TEST_CASE("tick schedule: short intervals") {
  CHECK(ticks(TickSchedule(0, milliseconds(1000), milliseconds(0)), 4) ==
        std::vector<std::int64_t>{0, 1000, 2000, 3000});
  CHECK(ticks(TickSchedule(0, milliseconds(50), milliseconds(0)), 4) ==
        std::vector<std::int64_t>{0, 50, 100, 150});
  // The grid has a point right after tick 1: that one is left out.
  CHECK(ticks(TickSchedule(0, milliseconds(1000), milliseconds(10)), 3) ==
        std::vector<std::int64_t>{0, 1000, 2010});
}

TEST_CASE("tick schedule: a late tick does not shift the next, missed ones are left out") {
  CHECK(ticks(TickSchedule(0, milliseconds(1000), milliseconds(0)), 4, 400) ==
        std::vector<std::int64_t>{0, 1000, 2000, 3000});
  TickSchedule schedule(0, milliseconds(1000), milliseconds(0));
  schedule.advance(0);
  schedule.advance(1000 * kMs);
  CHECK(schedule.due_ns() == 2000 * kMs);
  schedule.advance(5300 * kMs);
  CHECK(schedule.due_ns() == 6000 * kMs);
}

TEST_CASE("tick schedule: another interval counts from the last tick") {
  TickSchedule schedule(0, milliseconds(10'000), milliseconds(0));
  schedule.set_interval(0, milliseconds(5'000));  // before tick 0: that one still comes at once
  CHECK(schedule.due_ns() == 0);
  schedule.advance(0);
  schedule.advance(1000 * kMs);
  CHECK(schedule.due_ns() == 5000 * kMs);
  schedule.set_interval(1000 * kMs, milliseconds(1000));
  CHECK(schedule.due_ns() == 2000 * kMs);
}
