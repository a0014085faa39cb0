// Values that anybody can compute again: what the fault lab's oracle compares the store with (docs/agent.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/options.hpp"
#include "sysmon/metrics_collector.hpp"

namespace sysmon::agent {

// Uniform in [0, 167772.15], two decimals. The function is a contract: do not change it.
[[nodiscard]] double synthetic_value(std::uint64_t seed, std::string_view host, std::uint32_t index,
                                     std::uint64_t tick);

// Adds synthetic.tick and synthetic.value{index} to a tick.
[[nodiscard]] MetricsCollector::OnTick synthetic_samples(const Synthetic& synthetic, std::string host);

// Switches every collector of this machine off.
void disable_collectors(MetricFilter& filter);

}  // namespace sysmon::agent
