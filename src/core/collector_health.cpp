#include "core/collector_health.hpp"

#include <cmath>

#include "sysmon/agent_metrics.hpp"

namespace sysmon {

CollectorHealth::CollectorHealth(std::string_view name) { status_.name = name; }

bool CollectorHealth::record(double seconds, const Result<void>& result) {
  status_.last_seconds = seconds;
  has_new_seconds_ = true;
  const std::string_view reason = result.ok() ? std::string_view() : result.error().reason();
  const bool is_changed = is_known_ ? reason != reason_ : !reason.empty();
  is_known_ = true;
  status_.up = result.ok();
  if (result.ok()) {
    status_.last_error.clear();
  } else {
    ++status_.errors;
    status_.last_error = result.error().message();
  }
  if (is_changed) {
    reason_ = reason;
    is_up_series_old_ = true;
  }
  return is_changed;
}

void CollectorHealth::emit(SampleSink& out) {
  if (!is_known_) return;
  if (has_new_seconds_) {
    if (seconds_series_ == kNoSeries) {
      seconds_series_ = out.series(agent_metric::kCollectSeconds, {status_.name});
    }
    out.emit(seconds_series_, std::round(status_.last_seconds * 1e6) / 1e6);
  }
  has_new_seconds_ = false;

  if (is_up_series_old_) {
    const SeriesId series = status_.up ? out.series(agent_metric::kCollectorUp, {status_.name})
                                       : out.series(agent_metric::kCollectorUp, {status_.name, reason_});
    if (series != up_series_) out.retire(up_series_);
    up_series_ = series;
    is_up_series_old_ = false;
  }
  out.emit(up_series_, status_.up ? 1 : 0);
}

}  // namespace sysmon
