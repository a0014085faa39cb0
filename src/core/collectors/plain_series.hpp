// PlainSeries: the series of a family's metrics without tags, asked for once and then emitted by position.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sysmon/collector.hpp"

namespace sysmon {

class PlainSeries {
 public:
  // `metrics` has static storage; those with tags keep their position and are passed over.
  explicit PlainSeries(std::span<const MetricInfo> metrics) : metrics_(metrics) {}

  void emit(SampleSink& out, std::size_t index, double value) {
    if (ids_.empty()) declare(out);
    out.emit(ids_[index], value);
  }
  // What this kernel does not have is left out.
  void emit(SampleSink& out, std::size_t index, const std::optional<std::uint64_t>& value) {
    if (value) emit(out, index, static_cast<double>(*value));
  }

 private:
  void declare(SampleSink& out) {
    for (const MetricInfo& metric : metrics_) {
      ids_.push_back(metric.tags.empty() ? out.series(metric) : kNoSeries);
    }
  }

  std::span<const MetricInfo> metrics_;
  std::vector<SeriesId> ids_;
};

}  // namespace sysmon
