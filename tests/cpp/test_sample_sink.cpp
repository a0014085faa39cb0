#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "sysmon/collector.hpp"

using namespace sysmon;

namespace {

constexpr MetricInfo kPlain{.name = "cpu.total_usage"};
constexpr MetricInfo kTagged{.name = "diskio.reads", .tags = "device,reason"};
constexpr MetricInfo kDetail{.name = "memory.slab_bytes", .default_on = false};

}  // namespace

TEST_CASE("sample sink: one series, one id") {
  SampleSink sink({});
  const SeriesId plain = sink.series(kPlain);
  const SeriesId sda = sink.series(kTagged, {"sda"});
  CHECK(plain != sda);
  CHECK(sink.series(kPlain) == plain);
  CHECK(sink.series(kTagged, {"sda"}) == sda);
  CHECK(sink.series(kTagged, {"sdb"}) != sda);
  CHECK(sink.series(kTagged, {"sda", "x"}) != sda);
}

TEST_CASE("sample sink: a batch holds the list its ids refer to, and keeps it") {
  SampleSink sink({});
  SampleBatch first;
  sink.start(first);
  sink.emit(sink.series(kTagged, {"sda", "io"}), 7);
  sink.finish();
  REQUIRE(first.samples.size() == 1);
  const Series& series = (*first.series)[first.samples[0].series];
  CHECK(series.metric == &kTagged);
  CHECK(series.tags == Tags{{"device", "sda"}, {"reason", "io"}});

  SampleBatch second;
  sink.start(second);
  sink.finish();
  CHECK(second.series == first.series);  // unchanged: the same list, not a copy
  CHECK(second.samples.empty());
}

TEST_CASE("sample sink: a retired slot is reused, but not within the tick") {
  SampleSink sink({});
  SampleBatch batch;
  sink.start(batch);
  const SeriesId gone = sink.series(kTagged, {"sda"});
  sink.emit(gone, 1);
  sink.retire(gone);
  sink.retire(gone);  // harmless
  sink.retire(kNoSeries);
  const SeriesId other = sink.series(kTagged, {"sdb"});
  CHECK(other != gone);
  sink.finish();
  CHECK((*batch.series)[gone].tags[0].value == "sda");

  SampleBatch next;
  sink.start(next);
  CHECK(sink.series(kTagged, {"sdc"}) == gone);
  CHECK(sink.series(kTagged, {"sda"}) != gone);  // it came back: a new series
  sink.finish();
  CHECK((*next.series)[gone].tags[0].value == "sdc");
  CHECK((*batch.series)[gone].tags[0].value == "sda");  // what was sent is not touched
}

TEST_CASE("sample sink: what is not a finite number is not a value") {
  SampleSink sink({});
  SampleBatch batch;
  sink.start(batch);
  const SeriesId id = sink.series(kPlain);
  for (const double value :
       {std::nan(""), std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()}) {
    sink.emit(id, value);
  }
  sink.emit(kNoSeries, 1);
  sink.finish();
  CHECK(batch.samples.empty());
}

TEST_CASE("metric filter: defaults, then enable, then disable") {
  CHECK(MetricFilter{}.is_on(kPlain));
  CHECK_FALSE(MetricFilter{}.is_on(kDetail));
  for (const std::string entry : {"memory.slab_bytes", "memory", "memory.sl*", "*"}) {
    CAPTURE(entry);
    CHECK(MetricFilter{{entry}, {}}.is_on(kDetail));
    CHECK_FALSE(MetricFilter{{entry}, {entry}}.is_on(kDetail));
  }
  for (const std::string entry : {"mem", "memory.slab", "memory.", "", "slab_bytes"}) {
    CAPTURE(entry);
    CHECK_FALSE(MetricFilter{{entry}, {}}.is_on(kDetail));
  }
  CHECK(SampleSink({}).series(kDetail) == kNoSeries);
  const MetricInfo both[] = {kPlain, kDetail};
  CHECK(MetricFilter{{}, {"memory"}}.any_on(both));
  CHECK_FALSE(MetricFilter{{}, {"cpu"}}.any_on(both));
}

TEST_CASE("device filter: exact, or a prefix ending in a star") {
  const std::string patterns[] = {"veth*", "docker0"};
  CHECK(DeviceFilter::matches(patterns, "veth12ab"));
  CHECK(DeviceFilter::matches(patterns, "docker0"));
  CHECK_FALSE(DeviceFilter::matches(patterns, "docker01"));
  CHECK_FALSE(DeviceFilter::matches(patterns, "eth0"));
  CHECK_FALSE(DeviceFilter::matches({}, "eth0"));
}
