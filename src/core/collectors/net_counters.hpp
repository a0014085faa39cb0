// Counters of /proc/net/snmp or /proc/net/netstat, each a series of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "sysmon/collector.hpp"
#include "sysmon/parse/net_counters.hpp"

namespace sysmon {

class NetCounterSeries {
 public:
  // counters[i] is the kernel's name of metrics[i]. REQUIRES: both have static storage and the same length.
  NetCounterSeries(KernelFile& file, std::span<const NetCounter> counters,
                   std::span<const MetricInfo> metrics)
      : file_(file), parser_(counters), metrics_(metrics), values_(counters.size()) {}

  Result<void> collect(SampleSink& out) {
    const auto text = file_.read();
    if (!text) return text.error();
    if (const auto parsed = parser_.parse(*text, values_); !parsed) return parsed;
    if (ids_.empty()) {
      for (const MetricInfo& metric : metrics_) ids_.push_back(out.series(metric));
    }
    for (std::size_t i = 0; i < values_.size(); ++i) {
      if (values_[i]) out.emit(ids_[i], static_cast<double>(*values_[i]));
    }
    return {};
  }

 private:
  KernelFile& file_;
  NetCounterParser parser_;
  std::span<const MetricInfo> metrics_;
  std::vector<std::optional<std::uint64_t>> values_;
  std::vector<SeriesId> ids_;
};

}  // namespace sysmon
