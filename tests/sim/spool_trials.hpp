// Spool trials: the spool alone, on a disk that loses power (F06) or is damaged (F11), thousands of times a second.
#pragma once

#include <cstdint>

#include "history.hpp"
#include "sabotage.hpp"

namespace sysmon::sim {

// Sums over trials.
struct SpoolFigures {
  std::uint64_t trials = 0;
  std::uint64_t power_losses = 0;
  std::uint64_t kills = 0;
  std::uint64_t sealed = 0;
  std::uint64_t excused = 0;   // unsynced, and no older than delivery.md allows; or touched by damage
  std::uint64_t declared = 0;  // dropped, and it says so

  void add(const SpoolFigures& more);
};

// A spool works until the power goes, or the process, up to four times, at any call of the disk. Throws Violation.
[[nodiscard]] SpoolFigures play_power_loss(std::uint64_t seed, Sabotage sabotage, const Trace& trace);

// A spool works, its files are damaged, and it starts again: lost is at most what was touched. Throws Violation.
[[nodiscard]] SpoolFigures play_damage(std::uint64_t seed, const Trace& trace);

}  // namespace sysmon::sim
