// MetricsCollector: the tick, the collectors, the callback.
//
// Ticks lie on the monotonic clock: tick n is due at start + n × interval, and a late one does not shift the next.
// Each collector is timed and its failure counted; the others go on. Tick 0 comes at once with what needs no
// difference, tick 1 one second later (or an interval, if that is shorter), so that rates are there early.
// After tick 1 the collector thread allocates nothing until a device comes or goes.
//
// Threads: start, stop, set_interval and sample may be called by any one thread at a time; on_batch runs on the
// collector thread (or, for sample(), on the caller's) and must not block or call back.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sysmon/collector.hpp"
#include "sysmon/sample.hpp"

namespace sysmon {

struct MetricsCollectorOptions {
  std::chrono::milliseconds interval{10'000};  // at least 50 ms
  // Shifts tick 2 and all later ones, so that a fleet that was started at once spreads out: tick 0 comes at the
  // start, tick 1 a second (or an interval) later, tick n ≥ 2 at start + phase + (n − 1) × interval.
  std::chrono::milliseconds phase{0};
  ProcRoot root;  // a recorded tree also brings its own clock: /proc/uptime and btime
  MetricFilter metrics;
  DeviceFilter devices;
};

// How a collector fared, for logs, `agent.collector_up` and doctor.
struct CollectorStatus {
  std::string_view name;
  bool up = false;
  std::uint64_t errors = 0;
  double last_seconds = 0;
  std::string last_error;  // empty while up
};

class MetricsCollector {
 public:
  // `batch` is valid during the call only; copy what is to be kept.
  using OnBatch = std::function<void(const SampleBatch& batch)>;
  // Called on a collector's change of state only, with its present status.
  using OnStatus = std::function<void(const CollectorStatus& status)>;
  // Adds samples that no collector knows (the publisher's own counters) to each tick.
  using OnTick = std::function<void(const Tick& tick, SampleSink& out)>;

  explicit MetricsCollector(MetricsCollectorOptions options);
  ~MetricsCollector();  // stops

  void on_batch(OnBatch callback);    // REQUIRES: not started
  void on_status(OnStatus callback);  // REQUIRES: not started
  void on_tick(OnTick callback);      // REQUIRES: not started

  // One tick now, on the caller's thread. Every slow source is read and waited for, at most `slow_wait`, so that
  // the batch is a whole snapshot; with a `slow_wait` of 0 they are read as in the running agent: when they are
  // due, and taken over by the first tick that finds them finished. The batch is valid until the next call.
  // REQUIRES: not started.
  const SampleBatch& sample(std::chrono::milliseconds slow_wait = std::chrono::milliseconds{6000});

  void start();
  void stop();  // returns within one tick's work; a worker stuck in the kernel is left behind
  // From the next tick on. May be called while started.
  void set_interval(std::chrono::milliseconds interval);

  [[nodiscard]] std::vector<CollectorStatus> status() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sysmon
