#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/collectors/systemd_bus.hpp"
#include "slow_readings.hpp"
#include "temp_tree.hpp"

using namespace sysmon;

namespace {

using Lines = std::vector<std::string>;
using Units = std::vector<SystemdUnit>;

// A bus that answers what the test says.
class FakeBus final : public SystemdBus {
 public:
  explicit FakeBus(std::shared_ptr<Units> units) : units_(std::move(units)) {}
  Result<void> list_units(Units& out) override {
    out = *units_;
    return {};
  }

 private:
  std::shared_ptr<Units> units_;
};

// The lines about single units.
Lines unit_lines(SlowCollector& systemd) {
  Lines lines = readings_of(systemd).lines;
  std::erase_if(lines, [](const std::string& line) { return !line.starts_with("systemd.unit_active"); });
  return lines;
}

}  // namespace

TEST_CASE("systemd: units by state; series for services that run and for what has failed") {
  const auto units = std::make_shared<Units>(Units{
      {"nginx.service", "active", "running"},
      {"dev-vda1.device", "active", "plugged"},
      {"apt-daily.timer", "active", "waiting"},
      {"kmod.service", "active", "exited"},
      {"reload.service", "reloading", "running"},
      {"data.mount", "failed", "failed"},
      {"old.service", "inactive", "dead"},
      {"start.service", "activating", "start"},
      {"stop.service", "deactivating", "stop-term"},
      {"run-r1234.service", "active", "running"},
      {"user.slice", "maintenance", "x"},
  });
  const auto systemd = make_systemd_collector(std::make_unique<FakeBus>(units));
  const Gathered gathered = readings_of(*systemd);
  CHECK(gathered.result.ok());
  CHECK(gathered.lines == Lines{"systemd.unit_active{data.mount} 0", "systemd.unit_active{nginx.service} 1",
                                "systemd.unit_active{reload.service} 1", "systemd.units{active} 5",
                                "systemd.units{reloading} 1", "systemd.units{inactive} 1",
                                "systemd.units{failed} 1", "systemd.units{activating} 1",
                                "systemd.units{deactivating} 1"});
}

TEST_CASE("systemd: a service that stops goes from 1 to 0, and away when it is unloaded") {
  const auto units = std::make_shared<Units>(Units{{"nginx.service", "active", "running"}});
  const auto systemd = make_systemd_collector(std::make_unique<FakeBus>(units));
  CHECK(unit_lines(*systemd) == Lines{"systemd.unit_active{nginx.service} 1"});
  *units = {{"nginx.service", "inactive", "dead"}};
  CHECK(unit_lines(*systemd) == Lines{"systemd.unit_active{nginx.service} 0"});
  *units = {};
  CHECK(unit_lines(*systemd).empty());
  *units = {{"nginx.service", "inactive", "dead"}};  // loaded again, but has not run since
  CHECK(unit_lines(*systemd).empty());
}

TEST_CASE("systemd: a swarm of units has 200 series at most, and all are counted") {
  const auto units = std::make_shared<Units>();
  for (int i = 0; i < 1000; ++i)
    units->push_back({"worker@" + std::to_string(i) + ".service", "active", "running"});
  const auto systemd = make_systemd_collector(std::make_unique<FakeBus>(units));
  CHECK(unit_lines(*systemd).size() == 200);
  CHECK(readings_of(*systemd).lines[200] == "systemd.units{active} 1000");
}

TEST_CASE("systemd: recorded output of systemctl") {
  Units units;
  REQUIRE(parse_systemd_units("nginx.service loaded active running A high performance web server\n"
                              "● data.mount   loaded failed failed  /data\n"
                              "bare.service not-found inactive dead",
                              units)
              .ok());
  CHECK(units == Units{{"nginx.service", "active", "running"},
                       {"data.mount", "failed", "failed"},
                       {"bare.service", "inactive", "dead"}});
  for (const std::string_view text : {"\n", "nginx.service\n", "nginx.service loaded active\n", "\xff\n"}) {
    CAPTURE(text);
    CHECK(parse_systemd_units(text, units).error().kind == Error::Kind::malformed);
  }
}

TEST_CASE("systemd: a tree without it does not have it") {
  const TempTree tree;
  const auto systemd = make_systemd_collector(make_recorded_bus(tree.root()));
  CHECK(readings_of(*systemd).result.error().kind == Error::Kind::not_found);
  tree.write("/systemd_units", "a.service loaded active running A\n");
  CHECK(unit_lines(*systemd) == Lines{"systemd.unit_active{a.service} 1"});
}

TEST_CASE("systemd: the live bus answers or says why not") {
  const auto systemd = make_systemd_collector(make_system_bus());
  const Gathered gathered = readings_of(*systemd);
  CHECK((gathered.result.ok() || !gathered.result.error().message().empty()));
}
