#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/collectors/all.hpp"
#include "slow_readings.hpp"
#include "temp_tree.hpp"

using namespace sysmon;

namespace {

using Lines = std::vector<std::string>;

std::unique_ptr<SlowCollector> make(const ProcRoot& root) {
  KernelFiles files(root);
  return kBatteryCollector.make_slow({files, root, {}, {}});
}

void write(const TempTree& tree, const std::string& supply,
           const std::vector<std::pair<std::string, std::string>>& attributes) {
  for (const auto& [name, value] : attributes)
    tree.write("/sys/class/power_supply/" + supply + "/" + name, value + "\n");
}

}  // namespace

TEST_CASE("battery: one that counts energy, one that counts charge, one that knows its percentage only") {
  const TempTree tree;
  write(tree, "AC", {{"type", "Mains"}, {"online", "1"}});
  write(tree, "BAT0",
        {{"type", "Battery"},
         {"status", "Discharging"},
         {"energy_now", "25000000"},
         {"energy_full", "50000000"},
         {"power_now", "-8500000"},
         {"capacity", "49"}});
  write(tree, "BAT1",
        {{"type", "Battery"},
         {"status", "Charging"},
         {"charge_now", "5100000"},
         {"charge_full", "5000000"},
         {"current_now", "1000000"},
         {"voltage_now", "12000000"}});
  write(tree, "CMB0", {{"type", "Battery"}, {"status", "Unknown"}, {"capacity", "77"}});
  const Gathered gathered = readings_of(*make(tree.root()));
  CHECK(gathered.result.ok());
  CHECK(gathered.lines == Lines{"battery.charge_percent{BAT0} 50", "battery.power_watts{BAT0} 8.5",
                                "battery.charging{BAT0} 0", "battery.charge_percent{BAT1} 100",
                                "battery.power_watts{BAT1} 12", "battery.charging{BAT1} 1",
                                "battery.charge_percent{CMB0} 77"});
}

TEST_CASE("battery: a mouse, an empty bay and nonsense are none of the host's") {
  const TempTree tree;
  const auto battery = make(tree.root());
  CHECK(readings_of(*battery).result.error().kind == Error::Kind::not_found);
  write(tree, "hidpp_battery_0", {{"type", "Battery"}, {"scope", "Device"}, {"capacity", "5"}});
  write(tree, "BAT1", {{"type", "Battery"}, {"present", "0"}, {"capacity", "0"}});
  CHECK(readings_of(*battery).result.error().kind == Error::Kind::not_found);
  write(tree, "BAT2",
        {{"type", "Battery"},
         {"capacity", "full\xff"},
         {"energy_now", "1"},
         {"energy_full", "0"},
         {"power_now", ""}});
  const Gathered gathered = readings_of(*battery);
  CHECK(gathered.result.ok());
  CHECK(gathered.lines.empty());
}
