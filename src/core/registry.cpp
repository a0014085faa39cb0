#include "sysmon/registry.hpp"

#include <algorithm>
#include <array>

#include "core/collectors/all.hpp"
#include "sysmon/agent_metrics.hpp"

namespace sysmon {
namespace {

constexpr std::array kCollectors = {
    // Every tick.
    &kCpuCollector, &kLoadCollector, &kPressureCollector, &kMemoryCollector, &kVmstatCollector,
    &kSwapCollector, &kDiskioCollector, &kNetworkCollector, &kTcpCollector, &kUdpCollector,
    &kSocketsCollector, &kSoftnetCollector, &kKernelCollector,
    // Once a minute or less.
    &kDiskCollector, &kProcessCollector, &kSystemdCollector, &kSensorCollector, &kBatteryCollector,
    &kRaidCollector, &kConntrackCollector, &kTimeCollector, &kSystemCollector, &kSystemInfoCollector};

// Whether `metric` is one of `metrics`, by address.
bool holds(std::span<const MetricInfo> metrics, const MetricInfo& metric) {
  return std::any_of(metrics.begin(), metrics.end(),
                     [&](const MetricInfo& known) { return &known == &metric; });
}

}  // namespace

std::span<const CollectorInfo* const> collectors() { return kCollectors; }

std::vector<const MetricInfo*> metrics() {
  std::vector<const MetricInfo*> all;
  for (const CollectorInfo* collector : kCollectors) {
    for (const MetricInfo& metric : collector->metrics) all.push_back(&metric);
  }
  for (const MetricInfo& metric : agent_metrics()) all.push_back(&metric);
  return all;
}

const MetricInfo* find_metric(std::string_view name) {
  for (const MetricInfo* metric : metrics()) {
    if (metric->name == name) return metric;
  }
  return nullptr;
}

const CollectorInfo* collector_of(const MetricInfo& metric) {
  for (const CollectorInfo* collector : kCollectors) {
    if (holds(collector->metrics, metric)) return collector;
  }
  return nullptr;
}

}  // namespace sysmon
