// Collector: code that reads one metric family.  SlowCollector: the same for sources that may block.
//
// A collector declares its series once, when it first meets a device, and then emits a value per series and
// tick:
//
//     Result<void> collect(const Tick& tick, SampleSink& out) override {
//       auto text = stat_.read();                     // whole file, at most one system call a tick
//       if (!text) return text.error();
//       ...parse...                                   // a pure function of the text
//       out.emit(total_usage_, 100.0 * busy / total);  // nothing is emitted where nothing is known
//     }
//
// Threads: collect runs on the collector thread only, gather on a worker thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sysmon/metric.hpp"
#include "sysmon/procfs.hpp"
#include "sysmon/result.hpp"
#include "sysmon/sample.hpp"

namespace sysmon {

// Which metrics are on: the registry's defaults, then enable, then disable (the last word).
// An entry is a metric ("cpu.time_seconds"), a family ("softnet") or a prefix ending in "*"
// ("memory.slab_*").
struct MetricFilter {
  std::vector<std::string> enable;
  std::vector<std::string> disable;
  [[nodiscard]] bool is_on(const MetricInfo& metric) const;
  // False where every metric of a collector is off: it is then not made at all.
  [[nodiscard]] bool any_on(std::span<const MetricInfo> metrics) const;
};

// What collectors leave out by name: exact, or a prefix ending in "*".
struct DeviceFilter {
  std::vector<std::string> ignore_mounts;
  std::vector<std::string> ignore_interfaces;
  std::vector<std::string> ignore_devices;
  [[nodiscard]] static bool matches(std::span<const std::string> patterns, std::string_view name);
};

// One scheduled pass of the collectors, with its time.
struct Tick {
  std::uint64_t number = 0;  // 0 is the first: nothing to take a difference with
  std::int64_t mono_ns = 0;  // CLOCK_MONOTONIC; intervals come from this and nothing else
  std::int64_t wall_ms = 0;  // Unix milliseconds; a stamp, never subtracted
};

// The series a collector thread knows, and where the samples of the running tick go.
class SampleSink {
 public:
  explicit SampleSink(MetricFilter filter) : filter_(std::move(filter)) {}

  // The id of this metric and tag values (in the order of metric.tags); made on first use, the same one ever
  // after. kNoSeries where the filter switches the metric off. Allocates only for a new series. REQUIRES: as
  // many values as metric.tags has keys, trailing ones may be missing; `metric` has static storage.
  SeriesId series(const MetricInfo& metric, std::span<const std::string_view> tag_values = {});
  SeriesId series(const MetricInfo& metric, std::initializer_list<std::string_view> tag_values) {
    return series(metric, std::span<const std::string_view>(tag_values.begin(), tag_values.size()));
  }
  // The device is gone: from the next tick on its slot may serve another series. The id dies. kNoSeries is
  // ignored.
  void retire(SeriesId id);

  // Adds a sample to the running tick. Values that are not finite are not values: they are left out.
  void emit(SeriesId id, double value);

  // Starts a tick: samples go to `batch` until the next call. `finish` stamps the batch with the present
  // list.
  void start(SampleBatch& batch);
  void finish();

  [[nodiscard]] const MetricFilter& filter() const { return filter_; }

 private:
  MetricFilter filter_;
  SeriesList list_;                                      // live and retired slots
  std::vector<SeriesId> retiring_;                       // this tick's: its batch may still refer to them
  std::vector<SeriesId> free_;                           // retired slots
  std::vector<std::pair<std::size_t, SeriesId>> index_;  // hash of (metric, tags) -> id, sorted by hash
  std::shared_ptr<const SeriesList> published_;          // what batches carry; remade after a change
  bool changed_ = true;
  SampleBatch* batch_ = nullptr;
};

class Collector {
 public:
  virtual ~Collector() = default;
  // Error not_found: this host does not have it. Any error: agent.collector_up is 0 with the reason, the
  // others go on. What was emitted before the error stays.
  virtual Result<void> collect(const Tick& tick, SampleSink& out) = 0;
};

// One value a slow source found.
struct Reading {
  const MetricInfo* metric = nullptr;
  std::vector<std::string> tag_values;  // in the order of metric->tags
  double value = 0;
};

class SlowCollector {
 public:
  virtual ~SlowCollector() = default;
  // Appends everything that is known now. May block: it runs on a worker thread, and the tick copies the last
  // result.
  virtual Result<void> gather(std::vector<Reading>& out) = 0;
};

// What a collector is made from.
struct CollectorContext {
  KernelFiles& files;    // of the collector thread: Collectors only, never a SlowCollector
  const ProcRoot& root;  // a SlowCollector opens its own files below it
  const DeviceFilter& devices;
  const MetricFilter& metrics;
};

// A line of the registry.
struct CollectorInfo {
  std::string_view name;                  // "cpu"; the value of the tag `collector`
  std::span<const MetricInfo> metrics{};  // everything it may emit
  std::chrono::seconds interval{0};       // 0: every tick; else the least time between two readings
  // Exactly one of the two is set.
  std::unique_ptr<Collector> (*make)(const CollectorContext&) = nullptr;
  std::unique_ptr<SlowCollector> (*make_slow)(const CollectorContext&) = nullptr;
};

}  // namespace sysmon
