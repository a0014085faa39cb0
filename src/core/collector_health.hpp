// CollectorHealth: how one collector fares; agent.collector_up and agent.collect_seconds are made from it.
//
// Collector thread only, but for `status`, which whoever holds the same lock as `record`'s caller may read.
#pragma once

#include <string>
#include <string_view>

#include "sysmon/collector.hpp"
#include "sysmon/metrics_collector.hpp"

namespace sysmon {

class CollectorHealth {
 public:
  explicit CollectorHealth(std::string_view name);

  // A reading ended so. True where the state is another than before: up, or down for some reason. A collector
  // that is up from its first reading has not changed.
  bool record(double seconds, const Result<void>& result);

  // The samples of this tick: how long the reading took, if there was one, and whether it is up, once that is
  // known.
  void emit(SampleSink& out);

  [[nodiscard]] const CollectorStatus& status() const { return status_; }

 private:
  CollectorStatus status_;
  std::string reason_;  // why it is down; empty while up
  bool is_known_ = false;
  bool has_new_seconds_ = false;
  bool is_up_series_old_ = true;  // the state has changed since it was asked for
  SeriesId seconds_series_ = kNoSeries;
  SeriesId up_series_ = kNoSeries;
};

}  // namespace sysmon
