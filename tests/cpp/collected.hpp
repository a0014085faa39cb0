// Collected: what one collector of the registry emits over a tree, as lines that a test can write down:
// `system.info{Debian 12,6.1,x86_64,} 1`.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "sysmon/collector.hpp"

namespace sysmon {

class Collected {
 public:
  Collected(const CollectorInfo& info, const ProcRoot& root, MetricFilter filter = {},
            DeviceFilter devices = {})
      : root_(root), devices_(std::move(devices)), filter_(std::move(filter)), files_(root), sink_(filter_) {
    REQUIRE((info.make != nullptr));
    collector_ = info.make({files_, root_, devices_, filter_});
  }

  // One tick, so long after the one before: its samples, in the order of emitting.
  std::vector<std::string> tick(std::chrono::nanoseconds later = std::chrono::seconds(60)) {
    if (number_ > 0) mono_ns_ += later.count();
    files_.next_tick();
    SampleBatch batch;
    sink_.start(batch);
    result_ = collector_->collect({number_++, mono_ns_, 0}, sink_);
    sink_.finish();
    std::vector<std::string> lines;
    for (const Sample& sample : batch.samples)
      lines.push_back(line((*batch.series)[sample.series], sample.value));
    return lines;
  }
  // Reads another tree from here on.
  void set_root(const ProcRoot& root) { files_.set_root(root); }
  // Of the last tick.
  [[nodiscard]] const Result<void>& result() const { return result_; }

 private:
  static std::string line(const Series& series, double value) {
    std::ostringstream text;
    text.precision(17);
    text << series.metric->name;
    for (std::size_t i = 0; i < series.tags.size(); ++i) text << (i == 0 ? '{' : ',') << series.tags[i].value;
    if (!series.tags.empty()) text << '}';
    text << ' ' << value;
    return text.str();
  }

  ProcRoot root_;
  DeviceFilter devices_;
  MetricFilter filter_;
  KernelFiles files_;
  SampleSink sink_;
  std::unique_ptr<Collector> collector_;
  Result<void> result_;
  std::uint64_t number_ = 0;
  std::int64_t mono_ns_ = 0;
};

}  // namespace sysmon
