// History: what one seed makes of one host's days, and whether everything that must hold held.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "sabotage.hpp"
#include "schedule.hpp"

namespace sysmon::sim {

// Sums over histories.
struct Figures {
  std::uint64_t histories = 0;
  double hours = 0;
  std::uint64_t ticks = 0;
  std::uint64_t sealed = 0;
  std::uint64_t stored = 0;
  std::uint64_t declared = 0;    // given up, and the server knows
  std::uint64_t excused = 0;     // lost as docs/delivery.md says
  std::uint64_t duplicates = 0;  // answered as such
  std::uint64_t conflicts = 0;   // 409
  std::uint64_t requests = 0;
  std::uint64_t failures = 0;  // of requests
  std::uint64_t faults = 0;    // events of the schedule
  std::uint64_t starts = 0;
  std::uint64_t kills = 0;
  std::uint64_t power_losses = 0;
  std::uint64_t damages = 0;
  std::uint64_t heals = 0;         // links that were mended, and the newest sample seen in time
  std::int64_t longest_heal = 0;   // virtual, until then
  std::int64_t longest_drain = 0;  // virtual, from the link's return until nothing waits
  std::int64_t longest_step = 0;   // virtual: the publisher's thread was away for so long …
  std::int64_t latest_tick = 0;    // … and the collector's tick at most so late
  std::uint64_t ring_full = 0;     // ticks
  std::uint64_t most_failures_a_minute = 0;
  std::int64_t time_error_ms = 0;  // of a corrected stamp, the most

  void add(const Figures& more);
};

using Trace = std::function<void(const std::string& line)>;

// Throws Violation.
[[nodiscard]] Figures play(const Schedule& schedule, std::uint64_t seed, Sabotage sabotage,
                           const Trace& trace);

// The virtual time at which every history begins.
[[nodiscard]] std::int64_t history_start();

}  // namespace sysmon::sim
