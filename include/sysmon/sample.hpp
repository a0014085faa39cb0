// Sample, Series, Tag: the vocabulary of everything else.
//
// A series is a metric type with one full set of tags; a sample is a value of a series at the batch's time.
// A batch refers to its series by index into an immutable list that changes only on hotplug, so that a tick
// carries twelve bytes a value and the list is compared by pointer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sysmon/metric.hpp"

namespace sysmon {

struct Tag {
  std::string key;
  std::string value;
  friend bool operator==(const Tag&, const Tag&) = default;
  friend auto operator<=>(const Tag&, const Tag&) = default;
};
using Tags = std::vector<Tag>;  // in the order of MetricInfo::tags

using SeriesId = std::uint32_t;  // index into a SeriesList
inline constexpr SeriesId kNoSeries =
    UINT32_MAX;  // a metric that is switched off: emitting to it does nothing

struct Series {
  const MetricInfo* metric = nullptr;  // static storage; nullptr marks a retired slot
  Tags tags;
};

using SeriesList = std::vector<Series>;

struct Sample {
  SeriesId series = kNoSeries;
  double value = 0;
};

// One tick's samples. Copying into a batch that was used before allocates nothing once its capacity suffices.
struct SampleBatch {
  std::int64_t wall_ms = 0;      // Unix milliseconds, one stamp for the whole tick
  std::int64_t boottime_ms = 0;  // CLOCK_BOOTTIME, for the clock rules of reference/delivery.md
  std::uint64_t tick = 0;        // 0 is the first tick: no rates yet
  std::shared_ptr<const SeriesList> series;
  std::vector<Sample> samples;
};

}  // namespace sysmon
