// What the agent says about itself: its metrics, and the part of them that the collector measures.
//
// The publisher's metrics are declared here and emitted by their owner through MetricsCollector::on_tick.
#pragma once

#include <cstdint>
#include <span>

#include "sysmon/collector.hpp"
#include "sysmon/metric.hpp"

namespace sysmon {

// All of them, in the order of the registry. Static storage.
[[nodiscard]] std::span<const MetricInfo> agent_metrics();

namespace agent_metric {

// The collector's.
extern const MetricInfo& kCpuPercent;
extern const MetricInfo& kRssBytes;
extern const MetricInfo& kCollectSeconds;  // collector
extern const MetricInfo& kCollectorUp;     // collector, reason (only where it is 0)
extern const MetricInfo& kShedCollectors;

// The publisher's.
extern const MetricInfo& kSamplesCollected;
extern const MetricInfo& kQueueBytes;
extern const MetricInfo& kQueueOldestSeconds;
extern const MetricInfo& kLastAckAgeSeconds;
extern const MetricInfo& kSamplesAcked;
extern const MetricInfo& kSamplesDropped;  // reason
extern const MetricInfo& kSendFailures;
extern const MetricInfo& kBatchesSealed;
extern const MetricInfo& kBatchesRecovered;
extern const MetricInfo& kBatchesAcked;
extern const MetricInfo& kBatchesSpooled;
extern const MetricInfo& kBatchesDropped;  // reason
extern const MetricInfo& kCorruptRecords;

}  // namespace agent_metric

// This process's CPU time and memory. Collector thread only.
class ProcessUsage {
 public:
  void emit(const Tick& tick, KernelFiles& files, SampleSink& out);

 private:
  bool has_before_ = false;
  std::int64_t cpu_before_ns_ = 0;
  std::int64_t mono_before_ns_ = 0;
};

}  // namespace sysmon
