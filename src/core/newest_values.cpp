#include "sysmon/newest_values.hpp"

#include <algorithm>

#include "sysmon/registry.hpp"

namespace sysmon {
namespace {

constexpr std::chrono::milliseconds kLeastFresh{15'000};
constexpr int kFreshIntervals = 2;

bool is_same(const Series& one, const Series& other) {
  return one.metric == other.metric && one.metric != nullptr && one.tags == other.tags;
}

}  // namespace

void NewestValues::take(const SampleBatch& batch) {
  const std::lock_guard lock(mutex_);
  if (batch.series != list_) keep_list(batch.series);
  for (const Sample& sample : batch.samples) values_[sample.series] = {sample.value, batch.wall_ms};
}

// A device came or went: series have other numbers now, and what is read once a minute is not read again at once.
void NewestValues::keep_list(const std::shared_ptr<const SeriesList>& list) {
  std::vector<Value> kept(list->size());
  for (std::size_t i = 0; list_ && i < list->size(); ++i) {
    const auto old = std::find_if(list_->begin(), list_->end(),
                                  [&](const Series& one) { return is_same(one, (*list)[i]); });
    if (old != list_->end()) kept[i] = values_[static_cast<std::size_t>(old - list_->begin())];
  }
  list_ = list;
  values_ = std::move(kept);
}

std::string NewestValues::page(NameSet names, const std::string& hostname, std::int64_t now_ms) const {
  const std::lock_guard lock(mutex_);
  PrometheusPage page;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const Series& series = (*list_)[i];
    const Value& value = values_[i];
    if (series.metric == nullptr || value.wall_ms == 0) continue;
    const CollectorInfo* collector = collector_of(*series.metric);
    const auto every =
        collector == nullptr
            ? interval_
            : std::max(interval_, std::chrono::duration_cast<std::chrono::milliseconds>(collector->interval));
    if (now_ms - value.wall_ms > std::max(kFreshIntervals * every, kLeastFresh).count()) continue;
    for (const PrometheusName& name : prometheus_names(series.metric->name, names)) {
      const auto labels = name.labels_of(series.tags, hostname);
      if (!labels) continue;
      double other_value = 0;
      if (!name.other.empty()) {
        const auto other = std::find_if(list_->begin(), list_->end(), [&](const Series& one) {
          return one.metric != nullptr && one.metric->name == name.other.substr(1) && one.tags == series.tags;
        });
        if (other == list_->end()) continue;
        const Value& found = values_[static_cast<std::size_t>(other - list_->begin())];
        if (found.wall_ms == 0) continue;
        other_value = found.value;
      }
      page.add(name, *labels, name.value_of(value.value, other_value));
    }
  }
  return page.text();
}

}  // namespace sysmon
