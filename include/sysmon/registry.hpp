// The registry: every collector by name, and through them every metric.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "sysmon/collector.hpp"
#include "sysmon/metric.hpp"

namespace sysmon {

// In the order in which they are read. Static storage.
[[nodiscard]] std::span<const CollectorInfo* const> collectors();

// Every metric of every collector and the agent's own, in that order. Names are unique.
[[nodiscard]] std::vector<const MetricInfo*> metrics();

// nullptr where there is none of that name.
[[nodiscard]] const MetricInfo* find_metric(std::string_view name);

// The collector that emits this metric; nullptr for the agent's own.
[[nodiscard]] const CollectorInfo* collector_of(const MetricInfo& metric);

}  // namespace sysmon
