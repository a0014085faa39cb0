#include "core/collector_run.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <utility>

#include "core/collector_health.hpp"
#include "fake_clock.hpp"

using namespace sysmon;
using namespace std::chrono_literals;

namespace {

constinit const CollectorInfo kEveryTick{.name = "fake"};
constinit const CollectorInfo kEveryMinute{.name = "fake", .interval = 60s};

// A collector whose next reading a test sets.
struct Script {
  FakeClock clock;
  std::chrono::nanoseconds takes{0};
  Result<void> result;
  int readings = 0;
};

class Scripted final : public Collector {
 public:
  explicit Scripted(Script& script) : script_(script) {}
  Result<void> collect(const Tick& /*tick*/, SampleSink& /*out*/) override {
    ++script_.readings;
    script_.clock.advance(script_.takes);
    return script_.result;
  }

 private:
  Script& script_;
};

struct Rig {
  explicit Rig(const CollectorInfo& info) : run(info, std::make_unique<Scripted>(script), script.clock) {}
  std::optional<CollectorRun::Outcome> tick(std::chrono::seconds at, bool all = false) {
    return run.collect({0, std::chrono::nanoseconds(at).count(), 0}, all, sink);
  }
  Script script;
  SampleSink sink{MetricFilter{}};
  CollectorRun run;
};

}  // namespace

TEST_CASE("collector run: every tick, or when its interval is over") {
  Rig often(kEveryTick);
  for (const auto at : {0s, 1s, 2s}) CHECK(often.tick(at));
  Rig seldom(kEveryMinute);
  CHECK(seldom.tick(0s));
  CHECK_FALSE(seldom.tick(59s));
  CHECK(seldom.tick(60s));
  CHECK(seldom.tick(61s, true));  // a snapshot reads all
}

TEST_CASE("collector run: what is not there is looked for once a minute, what fails at every tick") {
  Rig rig(kEveryTick);
  rig.script.result = Error{Error::Kind::not_found, "x", "", 0};
  CHECK(rig.tick(0s));
  CHECK_FALSE(rig.tick(10s));
  CHECK(rig.tick(60s));
  rig.script.result = Error::malformed("x", "y");
  CHECK(rig.tick(120s));
  CHECK(rig.tick(121s));
  CHECK(rig.script.readings == 4);
}

TEST_CASE("collector run: one that holds up the tick is shed for a minute") {
  Rig rig(kEveryTick);
  rig.script.takes = 1500ms;
  const auto outcome = rig.tick(0s);
  REQUIRE(outcome);
  CHECK(outcome->seconds == doctest::Approx(1.5));
  REQUIRE_FALSE(outcome->result.ok());
  CHECK(outcome->result.error().kind == Error::Kind::unavailable);
  CHECK(rig.run.is_shed());
  CHECK_FALSE(rig.tick(10s));
  CHECK(rig.run.is_shed());
  rig.script.takes = 1ms;
  REQUIRE(rig.tick(60s));
  CHECK_FALSE(rig.run.is_shed());
  CHECK(rig.tick(61s));
}

TEST_CASE("collector health: changes of state, and its samples") {
  SampleSink sink{MetricFilter{}};
  CollectorHealth health("fake");
  const auto emitted = [&] {
    SampleBatch batch;
    sink.start(batch);
    health.emit(sink);
    sink.finish();
    std::string text;
    for (const Sample& sample : batch.samples) {
      const Series& series = (*batch.series)[sample.series];
      text += std::string(series.metric->name);
      for (const Tag& tag : series.tags) text += "," + tag.value;
      text += "=" + std::to_string(sample.value) + " ";
    }
    return text;
  };
  CHECK(emitted().empty());  // nothing is known yet
  CHECK_FALSE(health.record(0.000125, {}));
  CHECK(emitted() == "agent.collect_seconds,fake=0.000125 agent.collector_up,fake=1.000000 ");
  CHECK(emitted() == "agent.collector_up,fake=1.000000 ");  // no reading since
  CHECK(health.record(0, Error{Error::Kind::permission, "/x", "", 13}));
  CHECK(emitted() == "agent.collect_seconds,fake=0.000000 agent.collector_up,fake,permission=0.000000 ");
  CHECK_FALSE(health.record(0, Error{Error::Kind::permission, "/y", "", 13}));
  CHECK(health.record(0, Error{Error::Kind::malformed, "/y", "", 0}));
  CHECK(health.status().errors == 3);
  CHECK_FALSE(health.status().up);
  CHECK(health.record(0, {}));
  CHECK(health.status().up);
  CHECK(health.status().last_error.empty());

  CollectorHealth absent("other");
  CHECK(absent.record(0, Error{Error::Kind::not_found, "/z", "", 2}));  // down from the start is told
}
