#include "agent/own_metrics.hpp"

#include "sysmon/agent_metrics.hpp"

namespace sysmon::agent {
namespace {

double number(const std::atomic<std::uint64_t>& counter) {
  return static_cast<double>(counter.load(std::memory_order_relaxed));  // relaxed: a statistic
}

// Rounded to milliseconds: an age is compared with intervals, and digits cost room.
double seconds_since(std::int64_t now_ns, std::int64_t then_ns) {
  const std::int64_t milliseconds = (now_ns - then_ns) / 1'000'000;
  return static_cast<double>(milliseconds) / 1000.0;
}

}  // namespace

void emit_publisher_metrics(const PublisherStats& stats, const Tick& tick, SampleSink& out) {
  const auto emit = [&](const MetricInfo& metric, double value) { out.emit(out.series(metric), value); };
  emit(agent_metric::kSamplesCollected, number(stats.samples_collected));
  emit(agent_metric::kSamplesAcked, number(stats.samples_acked));
  emit(agent_metric::kSendFailures, number(stats.send_failures));
  emit(agent_metric::kQueueBytes, number(stats.queue_bytes));
  const std::int64_t oldest = stats.oldest_ns.load(std::memory_order_relaxed);  // relaxed: statistics
  emit(agent_metric::kQueueOldestSeconds, oldest == 0 ? 0 : seconds_since(tick.mono_ns, oldest));
  const std::int64_t acked = stats.last_ack_ns.load(std::memory_order_relaxed);
  if (acked != 0) emit(agent_metric::kLastAckAgeSeconds, seconds_since(tick.mono_ns, acked));
  for (std::size_t i = 0; i < kLossReasons; ++i) {
    const double lost = number(stats.samples_dropped[i]);
    // A reason that never happened is no series; what happened once stays.
    if (lost == 0) continue;
    out.emit(out.series(agent_metric::kSamplesDropped, {to_string(static_cast<LossReason>(i))}), lost);
  }
}

void emit_ledger(const PublisherLedger& ledger, std::size_t on_the_way, SampleSink& out) {
  const auto emit = [&](const MetricInfo& metric, std::uint64_t value) {
    out.emit(out.series(metric), static_cast<double>(value));
  };
  emit(agent_metric::kBatchesSealed, ledger.sealed + on_the_way);
  emit(agent_metric::kBatchesRecovered, ledger.recovered);
  emit(agent_metric::kBatchesAcked, ledger.acked);
  emit(agent_metric::kBatchesSpooled, ledger.spooled + on_the_way);
  emit(agent_metric::kCorruptRecords, ledger.corrupt_records);
  for (std::size_t i = 0; i < kLossReasons; ++i) {
    if (ledger.dropped[i] == 0) continue;
    out.emit(out.series(agent_metric::kBatchesDropped, {to_string(static_cast<LossReason>(i))}),
             static_cast<double>(ledger.dropped[i]));
  }
}

}  // namespace sysmon::agent
