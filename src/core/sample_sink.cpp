#include <algorithm>
#include <cmath>
#include <functional>

#include "sysmon/collector.hpp"

namespace sysmon {
namespace {

// An entry of the configuration: "cpu.time_seconds", "softnet", "memory.slab_*".
bool names(std::string_view entry, const MetricInfo& metric) {
  if (entry.ends_with('*')) return metric.name.starts_with(entry.substr(0, entry.size() - 1));
  return entry == metric.name || entry == metric.family();
}

bool any_names(const std::vector<std::string>& entries, const MetricInfo& metric) {
  return std::any_of(entries.begin(), entries.end(),
                     [&](const std::string& entry) { return names(entry, metric); });
}

std::size_t mix(std::size_t seed, std::size_t value) {
  return seed ^ (value + 0x9e3779b97f4a7c15U + (seed << 6U) + (seed >> 2U));
}

std::size_t hash_of(const MetricInfo& metric, std::span<const std::string_view> tag_values) {
  std::size_t hash = std::hash<const MetricInfo*>{}(&metric);
  for (const std::string_view value : tag_values) hash = mix(hash, std::hash<std::string_view>{}(value));
  return hash;
}

std::size_t hash_of(const Series& series) {
  std::size_t hash = std::hash<const MetricInfo*>{}(series.metric);
  for (const Tag& tag : series.tags) hash = mix(hash, std::hash<std::string_view>{}(tag.value));
  return hash;
}

bool is_same(const Series& series, const MetricInfo& metric, std::span<const std::string_view> tag_values) {
  return series.metric == &metric &&
         std::equal(series.tags.begin(), series.tags.end(), tag_values.begin(), tag_values.end(),
                    [](const Tag& tag, std::string_view value) { return tag.value == value; });
}

Tags make_tags(const MetricInfo& metric, std::span<const std::string_view> values) {
  Tags tags;
  std::string_view keys = metric.tags;
  for (const std::string_view value : values) {
    const std::string_view key = keys.substr(0, keys.find(','));
    keys.remove_prefix(std::min(keys.size(), key.size() + 1));
    tags.push_back({std::string(key), std::string(value)});
  }
  return tags;
}

}  // namespace

bool MetricFilter::is_on(const MetricInfo& metric) const {
  if (any_names(disable, metric)) return false;
  return metric.default_on || any_names(enable, metric);
}

bool MetricFilter::any_on(std::span<const MetricInfo> metrics) const {
  return std::any_of(metrics.begin(), metrics.end(), [&](const MetricInfo& metric) { return is_on(metric); });
}

bool DeviceFilter::matches(std::span<const std::string> patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(), [&](std::string_view pattern) {
    if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
    return name == pattern;
  });
}

SeriesId SampleSink::series(const MetricInfo& metric, std::span<const std::string_view> tag_values) {
  const std::size_t hash = hash_of(metric, tag_values);
  const auto by_hash = [](const std::pair<std::size_t, SeriesId>& entry, std::size_t wanted) {
    return entry.first < wanted;
  };
  auto place = std::lower_bound(index_.begin(), index_.end(), hash, by_hash);
  for (; place != index_.end() && place->first == hash; ++place) {
    if (is_same(list_[place->second], metric, tag_values)) return place->second;
  }
  if (!filter_.is_on(metric)) return kNoSeries;

  SeriesId id = 0;
  if (free_.empty()) {
    id = static_cast<SeriesId>(list_.size());
    list_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  list_[id] = {&metric, make_tags(metric, tag_values)};
  index_.insert(place, {hash, id});
  changed_ = true;
  return id;
}

void SampleSink::retire(SeriesId id) {
  if (id == kNoSeries) return;
  const std::size_t hash = hash_of(list_[id]);
  const auto entry = std::find(index_.begin(), index_.end(), std::pair(hash, id));
  if (entry == index_.end()) return;  // already
  index_.erase(entry);
  retiring_.push_back(id);
}

void SampleSink::emit(SeriesId id, double value) {
  if (id == kNoSeries || !std::isfinite(value)) return;
  batch_->samples.push_back({id, value});
}

void SampleSink::start(SampleBatch& batch) {
  for (const SeriesId id : retiring_) {
    list_[id] = {};
    free_.push_back(id);
    changed_ = true;
  }
  retiring_.clear();
  batch_ = &batch;
  batch_->samples.clear();
}

void SampleSink::finish() {
  if (changed_) published_ = std::make_shared<const SeriesList>(list_);
  changed_ = false;
  batch_->series = published_;
  batch_ = nullptr;
}

}  // namespace sysmon
