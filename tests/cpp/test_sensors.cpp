#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/collectors/all.hpp"
#include "core/collectors/sensors.hpp"
#include "fake_clock.hpp"
#include "slow_readings.hpp"
#include "stuck_call.hpp"
#include "sysmon/parse/hwmon.hpp"
#include "temp_tree.hpp"

using namespace std::chrono_literals;
using namespace sysmon;

namespace {

using Lines = std::vector<std::string>;
using Attributes = std::vector<std::pair<std::string, std::string>>;

void write(const TempTree& tree, const std::string& chip, const Attributes& attributes) {
  for (const auto& [name, value] : attributes)
    tree.write("/sys/class/hwmon/" + chip + "/" + name, value + "\n");
}

std::unique_ptr<SlowCollector> make(const ProcRoot& root) {
  KernelFiles files(root);
  return kSensorCollector.make_slow({files, root, {}, {}});
}

}  // namespace

TEST_CASE("hwmon attribute names") {
  using Kind = SensorKind;
  CHECK(parse_sensor_attribute("temp1_input") == SensorAttribute{Kind::temperature, "temp1", "input"});
  CHECK(parse_sensor_attribute("fan12_label") == SensorAttribute{Kind::fan, "fan12", "label"});
  CHECK(parse_sensor_attribute("in0_input") == SensorAttribute{Kind::voltage, "in0", "input"});
  CHECK(parse_sensor_attribute("power1_average_interval") ==
        SensorAttribute{Kind::power, "power1", "average_interval"});
  CHECK(parse_sensor_attribute("energy1_input") == SensorAttribute{Kind::energy, "energy1", "input"});
  for (const std::string_view name :
       {"", "name", "uevent", "temp_input", "tempx_input", "temp1", "temp1_", "_input", "intrusion0_alarm",
        "humidity1_input", "curr1_input", "in\xff_input"}) {
    CAPTURE(name);
    CHECK_FALSE(parse_sensor_attribute(name).has_value());
  }
}

TEST_CASE("a chip's name is stable and says nothing twice") {
  CHECK(chip_name("coretemp", "coretemp.0") == "coretemp.0");
  CHECK(chip_name("nvme", "nvme1") == "nvme1");
  CHECK(chip_name("k10temp", "0000:00:18.3") == "k10temp-0000:00:18.3");
  CHECK(chip_name("acpitz", "") == "acpitz");
  CHECK(chip_name("evil\n", "") == "evil\\x0a");
}

TEST_CASE("sensors: every kind, labels, limits, and what drivers say when they mean none") {
  const TempTree tree;
  write(tree, "hwmon0",
        {{"name", "coretemp"},
         {"temp1_label", "Package id 0"},
         {"temp1_input", "45500"},
         {"temp1_crit", "100000"},
         {"temp2_label", "Core 0"},
         {"temp2_input", "-5000"},
         {"temp2_crit", "0"},
         {"temp3_label", "Core 0"},
         {"temp3_input", "44000"}});
  tree.link("/sys/class/hwmon/hwmon0/device", "../../../coretemp.0");
  write(tree, "hwmon1", {{"name", "nvme"}, {"temp1_input", "38850"}, {"temp1_crit", "65261850"}});
  tree.link("/sys/class/hwmon/hwmon1/device", "../../nvme0");
  write(tree, "hwmon2",
        {{"name", "nct6798"},
         {"fan1_input", "1150"},
         {"fan2_input", "0"},
         {"in0_input", "1048"},
         {"in0_label", "Vcore"},
         {"power1_average", "65500000"},
         {"temp1_input", "127000"},
         {"temp1_fault", "1"},
         {"temp2_input", "-273150"},
         {"temp3_input", "garbage\xff"},
         {"energy1_input", "2500000"},
         {"power2_input", "1500000"},
         {"power2_average", "1400000"}});
  const Gathered gathered = readings_of(*make(tree.root()));
  CHECK(gathered.result.ok());
  CHECK(gathered.lines ==
        Lines{"sensor.temperature_celsius{coretemp.0,Package id 0} 45.5",
              "sensor.temperature_critical_celsius{coretemp.0,Package id 0} 100",
              "sensor.temperature_celsius{coretemp.0,Core 0} -5",
              "sensor.temperature_celsius{coretemp.0,Core 0 temp3} 44",
              "sensor.temperature_celsius{nvme0,temp1} 38.850000000000001",
              "sensor.energy_joules{nct6798,energy1} 2.5", "sensor.fan_rpm{nct6798,fan1} 1150",
              "sensor.fan_rpm{nct6798,fan2} 0", "sensor.voltage_volts{nct6798,Vcore} 1.048",
              "sensor.power_watts{nct6798,power1} 65.5", "sensor.power_watts{nct6798,power2} 1.5"});
}

TEST_CASE("sensors: chips come and go") {
  const TempTree tree;
  const auto sensors = make(tree.root());
  CHECK(readings_of(*sensors).result.error().kind == Error::Kind::not_found);
  write(tree, "hwmon0", {{"name", "nvme"}, {"temp1_input", "40000"}});
  CHECK(readings_of(*sensors).lines == Lines{"sensor.temperature_celsius{nvme,temp1} 40"});
  write(tree, "hwmon7", {{"name", "usb"}, {"temp1_input", "20000"}});
  CHECK(readings_of(*sensors).lines ==
        Lines{"sensor.temperature_celsius{nvme,temp1} 40", "sensor.temperature_celsius{usb,temp1} 20"});
  tree.remove("/sys/class/hwmon/hwmon0");
  CHECK(readings_of(*sensors).lines == Lines{"sensor.temperature_celsius{usb,temp1} 20"});
}

TEST_CASE("sensors: old kernels keep the attributes beside the device") {
  const TempTree tree;
  write(tree, "hwmon0/device", {{"name", "it8728"}, {"temp1_input", "30000"}});
  CHECK(readings_of(*make(tree.root())).lines == Lines{"sensor.temperature_celsius{it8728,temp1} 30"});
}

TEST_CASE(
    "sensors: energy counters of packages and their parts; those of the mmio interface count the same") {
  const TempTree tree;
  const auto zone = [&](const std::string& name, const std::string& says, const std::string& energy) {
    tree.write("/sys/class/powercap/" + name + "/name", says + "\n");
    tree.write("/sys/class/powercap/" + name + "/energy_uj", energy + "\n");
  };
  zone("intel-rapl:0", "package-0", "123000000");
  zone("intel-rapl:0:0", "core", "23000000");
  zone("intel-rapl-mmio:0", "package-0", "1");
  tree.write("/sys/class/powercap/intel-rapl:1/name", "package-1\n");  // energy_uj is root's
  tree.write("/sys/class/powercap/intel-rapl/enabled", "1\n");
  CHECK(readings_of(*make(tree.root())).lines == Lines{"sensor.energy_joules{intel-rapl,package-0} 123",
                                                       "sensor.energy_joules{intel-rapl,package-0-core} 23"});
}

TEST_CASE("sensors: a chip in reset is reported and skipped, and taken back when it answers") {
  const TempTree tree;
  write(tree, "hwmon0", {{"name", "drivetemp"}, {"temp1_input", "30000"}});
  write(tree, "hwmon1", {{"name", "k10temp"}, {"temp1_input", "50000"}});
  FakeClock clock;
  const StuckCall reset;
  const ReadAttribute read = [reset, &clock](const std::string& path) -> Result<std::string> {
    if (path.ends_with("hwmon0/temp1_input")) {
      clock.advance(6s);
      reset.enter();
    }
    return read_file(path);
  };
  const auto sensors = make_sensor_collector(tree.root(), read, clock);
  for (int i = 0; i < 2; ++i) {
    const Gathered gathered = readings_of(*sensors);
    CHECK(gathered.lines == Lines{"sensor.temperature_celsius{k10temp,temp1} 50"});
    REQUIRE_FALSE(gathered.result.ok());
    CHECK(gathered.result.error().kind == Error::Kind::unavailable);
    CHECK(gathered.result.error().where.ends_with("/sys/class/hwmon/hwmon0"));
  }
  CHECK(reset.times_entered() == 1);
  reset.release();
  Gathered gathered;
  do gathered = readings_of(*sensors);
  while (!gathered.result.ok());
  CHECK(gathered.lines.size() == 2);
}
