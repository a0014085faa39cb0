#include "sysmon/agent_metrics.hpp"

#include <time.h>    // NOLINT(modernize-deprecated-headers): clock_gettime is POSIX
#include <unistd.h>  // sysconf

#include <array>
#include <cstddef>

#include "sysmon/parse/fields.hpp"
#include "sysmon/percent.hpp"

namespace sysmon {
namespace {

constexpr std::array kMetrics = {
    MetricInfo{.name = "agent.cpu_percent",
               .unit = Unit::percent,
               .help = "CPU time of the agent's process since the last tick; 100 is one CPU.",
               .source = "clock_gettime(CLOCK_PROCESS_CPUTIME_ID)",
               .formula = "100 × Δcpu / Δt"},
    MetricInfo{.name = "agent.rss_bytes",
               .unit = Unit::bytes,
               .help = "Memory of the agent's process that is resident, shared pages included.",
               .source = "/proc/self/statm resident",
               .formula = "pages × page size"},
    MetricInfo{.name = "agent.collect_seconds",
               .unit = Unit::seconds,
               .tags = "collector",
               .help = "How long a collector's last reading took.",
               .source = "clock_gettime(CLOCK_MONOTONIC) around it"},
    MetricInfo{.name = "agent.collector_up",
               .unit = Unit::boolean,
               .tags = "collector,reason",
               .help = "1 while a collector reads its source; 0, with the reason, while it cannot.",
               .source = "the collector's last reading"},
    MetricInfo{.name = "agent.shed_collectors",
               .help = "Collectors that are not read at present because the agent is over its own budget.",
               .source = "the agent's scheduler"},
    MetricInfo{.name = "agent.samples_collected",
               .kind = Kind::counter,
               .help = "Samples collected since the agent started.",
               .source = "the collector"},
    MetricInfo{.name = "agent.queue_bytes",
               .unit = Unit::bytes,
               .help = "Sealed batches that wait for the aggregator.",
               .source = "the publisher's queue"},
    MetricInfo{.name = "agent.queue_oldest_seconds",
               .unit = Unit::seconds,
               .help = "Age of the oldest batch that waits; absent while none does.",
               .source = "the publisher's queue"},
    MetricInfo{.name = "agent.last_ack_age_seconds",
               .unit = Unit::seconds,
               .help = "Time since the aggregator last acknowledged a batch; absent before the first.",
               .source = "the publisher"},
    MetricInfo{
        .name = "agent.samples_acked",
        .kind = Kind::counter,
        .help = "Samples that the aggregator has acknowledged, and so stored, since the agent started.",
        .source = "the publisher"},
    MetricInfo{.name = "agent.samples_dropped",
               .kind = Kind::counter,
               .tags = "reason",
               .help = "Samples given up since the agent started, by reason.",
               .source = "the ring and the publisher's queue"},
    MetricInfo{.name = "agent.send_failures",
               .kind = Kind::counter,
               .tags = "reason",
               .help = "Requests that were not acknowledged since the agent started.",
               .source = "the publisher"},
    MetricInfo{.name = "agent.batches_sealed",
               .kind = Kind::counter,
               .help = "Batches collected and numbered since the agent started.",
               .source = "the publisher"},
    MetricInfo{.name = "agent.batches_recovered",
               .kind = Kind::counter,
               .help = "Batches of earlier runs that this run found waiting in its spool, or lost there.",
               .source = "the publisher's queue"},
    MetricInfo{
        .name = "agent.batches_acked",
        .kind = Kind::counter,
        .help = "Batches that the aggregator has acknowledged, and so stored, since the agent started.",
        .source = "the publisher"},
    MetricInfo{.name = "agent.batches_spooled",
               .help = "Batches that wait for an acknowledgement.",
               .source = "the publisher's queue",
               .formula = "sealed + recovered − acked − Σ dropped"},
    MetricInfo{.name = "agent.batches_dropped",
               .kind = Kind::counter,
               .tags = "reason",
               .help = "Batches given up since the agent started, by reason; all of them are declared.",
               .source = "the publisher's queue"},
    MetricInfo{.name = "agent.corrupt_records",
               .kind = Kind::counter,
               .help = "Places where the spool did not hold what was written, since the agent started.",
               .source = "the publisher's queue"},
};

// Positions in kMetrics; in its order.
enum Index : std::size_t {
  kCpu,
  kRss,
  kSeconds,
  kUp,
  kShed,
  kCollected,
  kQueue,
  kOldest,
  kAckAge,
  kAcked,
  kDropped,
  kFailures,
  kSealed,
  kRecovered,
  kAckedBatches,
  kSpooled,
  kDroppedBatches,
  kCorrupt
};

std::int64_t process_cpu_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

std::span<const MetricInfo> agent_metrics() { return kMetrics; }

namespace agent_metric {

constinit const MetricInfo& kCpuPercent = kMetrics[kCpu];
constinit const MetricInfo& kRssBytes = kMetrics[kRss];
constinit const MetricInfo& kCollectSeconds = kMetrics[kSeconds];
constinit const MetricInfo& kCollectorUp = kMetrics[kUp];
constinit const MetricInfo& kShedCollectors = kMetrics[kShed];
constinit const MetricInfo& kSamplesCollected = kMetrics[kCollected];
constinit const MetricInfo& kQueueBytes = kMetrics[kQueue];
constinit const MetricInfo& kQueueOldestSeconds = kMetrics[kOldest];
constinit const MetricInfo& kLastAckAgeSeconds = kMetrics[kAckAge];
constinit const MetricInfo& kSamplesAcked = kMetrics[kAcked];
constinit const MetricInfo& kSamplesDropped = kMetrics[kDropped];
constinit const MetricInfo& kSendFailures = kMetrics[kFailures];
constinit const MetricInfo& kBatchesSealed = kMetrics[kSealed];
constinit const MetricInfo& kBatchesRecovered = kMetrics[kRecovered];
constinit const MetricInfo& kBatchesAcked = kMetrics[kAckedBatches];
constinit const MetricInfo& kBatchesSpooled = kMetrics[kSpooled];
constinit const MetricInfo& kBatchesDropped = kMetrics[kDroppedBatches];
constinit const MetricInfo& kCorruptRecords = kMetrics[kCorrupt];

}  // namespace agent_metric

void ProcessUsage::emit(const Tick& tick, KernelFiles& files, SampleSink& out) {
  const std::int64_t cpu_ns = process_cpu_ns();
  if (has_before_ && tick.mono_ns > mono_before_ns_) {
    out.emit(out.series(agent_metric::kCpuPercent),
             percent_of(static_cast<double>(cpu_ns - cpu_before_ns_),
                        static_cast<double>(tick.mono_ns - mono_before_ns_)));
  }
  has_before_ = true;
  cpu_before_ns_ = cpu_ns;
  mono_before_ns_ = tick.mono_ns;

  const auto text = files.file("/proc/self/statm").read();
  if (!text) return;
  std::string_view line = *text;
  take_word(line);  // size
  if (const auto pages = to_number<std::uint64_t>(take_word(line))) {
    out.emit(out.series(agent_metric::kRssBytes),
             static_cast<double>(*pages) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  }
}

}  // namespace sysmon
