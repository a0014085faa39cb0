// Ticks: what the collectors of all hosts of a history emitted, three series a tick, so that every value that arrives
// can be computed again.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "splitmix.hpp"
#include "sysmon/metric.hpp"

namespace sysmon::sim {

inline constexpr std::array<MetricInfo, 3> kMetrics{
    MetricInfo{.name = "sim.tick", .help = "The number of the tick."},
    MetricInfo{.name = "sim.level", .help = "A value computed from it."},
    MetricInfo{.name = "sim.sum", .help = "Another one."}};

[[nodiscard]] inline double tick_value(std::uint64_t tick, std::size_t series) {
  if (series == 0) return static_cast<double>(tick);
  return static_cast<double>(test::Splitmix(tick * 3 + series).next() >> 40U) / 100.0;
}

// One of them, as it was made and as it arrived.
struct TickFate {
  std::int64_t made_at = 0;
  std::int64_t booted_at = 0;  // of its host
  std::uint32_t stored = 0;    // how often
};
using Ticks = std::vector<TickFate>;  // by number

}  // namespace sysmon::sim
