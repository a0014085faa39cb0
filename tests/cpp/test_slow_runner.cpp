#include "sysmon/slow_runner.hpp"

#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fake_clock.hpp"
#include "stuck_call.hpp"

using namespace std::chrono_literals;
using namespace sysmon;

namespace {

constexpr auto kLong = 3600s;
constexpr std::int64_t kSecond = 1'000'000'000;

constexpr std::array kMetrics = {MetricInfo{.name = "fake.value", .tags = "device"}};
constinit const CollectorInfo kFake{.name = "fake", .metrics = kMetrics, .interval = 60s};
constinit const CollectorInfo kOther{.name = "other", .metrics = kMetrics, .interval = 60s};

using Gather = std::function<Result<void>(std::vector<Reading>&)>;

class FakeCollector final : public SlowCollector {
 public:
  explicit FakeCollector(Gather gather) : gather_(std::move(gather)) {}
  Result<void> gather(std::vector<Reading>& out) override { return gather_(out); }

 private:
  Gather gather_;
};

std::unique_ptr<SlowCollector> fake(Gather gather) {
  return std::make_unique<FakeCollector>(std::move(gather));
}

// A runner with what surrounds it in MetricsCollector.
struct Rig {
  FakeClock clock;
  SampleSink sink{MetricFilter{}};
  SlowRunner runner{kReadingPatience, clock};
  std::vector<SlowRunner::Outcome> outcomes;

  void start(std::int64_t seconds) { runner.start({0, seconds * kSecond, 0}); }

  // "a=1 b=2": what this tick's batch holds, by device.
  std::string emit() {
    SampleBatch batch;
    outcomes.clear();
    sink.start(batch);
    runner.emit(sink, [&](const SlowRunner::Outcome& outcome) { outcomes.push_back(outcome); });
    sink.finish();
    std::string text;
    for (const Sample& sample : batch.samples) {
      text += (text.empty() ? "" : " ") + (*batch.series)[sample.series].tags.at(0).value + "=" +
              std::to_string(static_cast<int>(sample.value));
    }
    return text;
  }
  // How many series the sink knows.
  std::size_t live_series() {
    SampleBatch batch;
    sink.start(batch);
    sink.finish();
    std::size_t live = 0;
    for (const Series& series : *batch.series) live += series.metric != nullptr ? 1 : 0;
    return live;
  }
};

Reading reading(const std::string& device, double value) { return {kMetrics.data(), {device}, value}; }

}  // namespace

TEST_CASE("slow runner: a finished reading is emitted once, the next when it is due") {
  Rig rig;
  int readings = 0;
  rig.runner.add(kFake, fake([&](std::vector<Reading>& out) -> Result<void> {
                   out.push_back(reading("a", ++readings));
                   return {};
                 }));
  CHECK(rig.emit().empty());
  rig.start(0);
  rig.runner.wait(kLong);
  CHECK(rig.emit() == "a=1");
  REQUIRE(rig.outcomes.size() == 1);
  CHECK(rig.outcomes[0].info == &kFake);
  CHECK(rig.outcomes[0].index == 0);
  CHECK(rig.outcomes[0].result.ok());
  CHECK(rig.emit().empty());
  CHECK(rig.outcomes.empty());

  // Ticks of 10 s: due again at 60 s, even if that tick comes a little early; and on the grid after it.
  for (const std::int64_t seconds : {10, 20, 30, 40, 50, 59}) {
    rig.start(seconds);
    rig.runner.wait(kLong);
    CHECK(rig.emit().empty());
  }
  rig.runner.start({0, 60 * kSecond - 100'000'000, 0});
  rig.runner.wait(kLong);
  CHECK(rig.emit() == "a=2");
  rig.start(120);
  rig.runner.wait(kLong);
  CHECK(rig.emit() == "a=3");
  // After a long pause there is one reading, not one for each that was missed.
  rig.start(1000);
  rig.runner.wait(kLong);
  CHECK(rig.emit() == "a=4");
  rig.start(1010);
  rig.runner.wait(kLong);
  CHECK(rig.emit().empty());
}

TEST_CASE("slow runner: a device that goes is retired, one that fails to answer for once is not") {
  Rig rig;
  int readings = 0;
  rig.runner.add(kFake, fake([&](std::vector<Reading>& out) -> Result<void> {
                   switch (readings++) {
                     case 0:
                       out = {reading("a", 1), reading("b", 2)};
                       return {};
                     case 1:
                       return Error{Error::Kind::io, "x", "y", 5};
                     case 2:
                       out = {reading("b", 3), reading("b", 4)};  // twice the same: the first counts
                       return Error{Error::Kind::unavailable, "a", "stuck", 0};
                     default:
                       return Error{Error::Kind::not_found, "x", "y", 0};
                   }
                 }));
  const auto next = [&](std::int64_t seconds) {
    rig.start(seconds);
    rig.runner.wait(kLong);
    return rig.emit();
  };
  CHECK(next(0) == "a=1 b=2");
  CHECK(rig.live_series() == 2);
  CHECK(next(60).empty());
  CHECK(rig.outcomes.at(0).result.error().kind == Error::Kind::io);
  CHECK(rig.live_series() == 2);
  CHECK(next(120) == "b=3");
  CHECK(rig.outcomes.at(0).result.error().kind == Error::Kind::unavailable);
  CHECK(rig.live_series() == 1);
  CHECK(next(180).empty());
  CHECK(rig.live_series() == 0);
}

TEST_CASE(
    "slow runner: a reading that hangs is told once an interval, the others go on, and it is taken back") {
  Rig rig;
  const StuckCall hung;
  FakeClock& clock = rig.clock;
  rig.runner.add(kFake, fake([hung, &clock](std::vector<Reading>& out) -> Result<void> {
                   clock.advance(11s);
                   hung.enter();
                   out.push_back(reading("hung", 1));
                   return {};
                 }));
  rig.runner.add(kOther, fake([](std::vector<Reading>& out) -> Result<void> {
                   out.push_back(reading("fine", 2));
                   return {};
                 }));
  rig.start(0);
  rig.runner.wait(kLong);
  CHECK(rig.emit() == "fine=2");
  REQUIRE(rig.outcomes.size() == 2);
  CHECK(rig.outcomes[0].index == 0);
  CHECK(rig.outcomes[0].result.error().kind == Error::Kind::unavailable);
  CHECK(rig.outcomes[0].result.error().message() == "fake: its reading has not returned for 11 s");
  CHECK(rig.outcomes[0].seconds == 11.0);
  CHECK(rig.outcomes[1].index == 1);
  CHECK(rig.emit().empty());
  CHECK(rig.outcomes.empty());

  clock.advance(49s);
  rig.start(60);
  rig.runner.wait(kLong);
  CHECK(rig.emit() == "fine=2");
  REQUIRE(rig.outcomes.size() == 2);
  CHECK(rig.outcomes[0].result.error().message() == "fake: its reading has not returned for 60 s");
  CHECK(hung.times_entered() == 1);

  hung.release();
  std::string text;
  while (text.empty()) text = rig.emit();
  CHECK(text == "hung=1");
  CHECK(rig.outcomes.at(0).result.ok());
}

TEST_CASE(
    "slow runner: stopping does not wait for a stuck reading, whose collector lives as long as it needs") {
  const StuckCall hung;
  const StuckCall returned;
  {
    Rig rig;
    FakeClock& clock = rig.clock;
    const auto owned = std::make_shared<std::string>("the collector's own");
    rig.runner.add(kFake, fake([hung, returned, owned, &clock](std::vector<Reading>& out) -> Result<void> {
                     clock.advance(11s);
                     hung.enter();
                     out.push_back(reading(*owned, 1));
                     returned.release();
                     return {};
                   }));
    rig.start(0);
    rig.runner.wait(kLong);
  }
  hung.release();
  returned.enter();  // blocks until the abandoned reading has gone past its call
}
