// sensor: temperatures, fans, voltages and powers of hwmon chips, and the processor's energy counters.
//
// Reading an attribute may ask the hardware over a slow bus, and a device in reset does not answer: each chip
// is read by a watched call of its own. Attributes are looked up anew each time, so a chip may come and go.
#include "core/collectors/sensors.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "core/collectors/all.hpp"
#include "sysmon/directory.hpp"
#include "sysmon/parse/fields.hpp"
#include "sysmon/parse/hwmon.hpp"
#include "sysmon/slow_runner.hpp"
#include "sysmon/tag_text.hpp"
#include "sysmon/watched_calls.hpp"

namespace sysmon {
namespace {

constexpr std::string_view kTags = "chip,sensor";

constexpr std::array kMetrics = {
    MetricInfo{.name = "sensor.temperature_celsius",
               .unit = Unit::celsius,
               .tags = kTags,
               .help = "Temperature.",
               .source = "/sys/class/hwmon/*/temp*_input",
               .formula = "millidegrees / 1000; absent while temp*_fault is 1"},
    MetricInfo{.name = "sensor.temperature_critical_celsius",
               .unit = Unit::celsius,
               .tags = kTags,
               .help = "The temperature at which the hardware protects itself.",
               .source = "/sys/class/hwmon/*/temp*_crit",
               .formula = "millidegrees / 1000; absent where it is not a plausible limit"},
    MetricInfo{.name = "sensor.fan_rpm",
               .unit = Unit::rpm,
               .tags = kTags,
               .help = "Fan speed.",
               .source = "/sys/class/hwmon/*/fan*_input"},
    MetricInfo{.name = "sensor.voltage_volts",
               .unit = Unit::volts,
               .tags = kTags,
               .help = "Voltage.",
               .source = "/sys/class/hwmon/*/in*_input",
               .formula = "millivolts / 1000"},
    MetricInfo{.name = "sensor.power_watts",
               .unit = Unit::watts,
               .tags = kTags,
               .help = "Power drawn.",
               .source = "/sys/class/hwmon/*/power*_input",
               .formula = "microwatts / 1e6; power*_average where there is no input"},
    MetricInfo{
        .name = "sensor.energy_joules",
        .unit = Unit::joules,
        .kind = Kind::counter,
        .tags = kTags,
        .help = "Energy used since the counter began; its rate is the power. Needs root on current kernels.",
        .source = "/sys/class/powercap/intel-rapl:*/energy_uj, /sys/class/hwmon/*/energy*_input",
        .formula = "microjoules / 1e6"},
};

enum Index : std::size_t { kTemperature, kCritical, kFan, kVoltage, kPower, kEnergy };

constexpr Index index_of(SensorKind kind) {
  switch (kind) {
    case SensorKind::temperature:
      return kTemperature;
    case SensorKind::fan:
      return kFan;
    case SensorKind::voltage:
      return kVoltage;
    case SensorKind::power:
      return kPower;
    case SensorKind::energy:
      return kEnergy;
  }
  return kTemperature;
}

using Readings = std::vector<Reading>;

// One chip's files, by the reader that a test may replace.
class Chip {
 public:
  Chip(std::string folder, std::string name, ReadAttribute read)
      : folder_(std::move(folder)), name_(std::move(name)), read_(std::move(read)) {}

  [[nodiscard]] Readings read() const {
    Readings found;
    const auto names = list_directory(folder_);
    if (!names) return found;
    std::set<std::pair<SensorKind, std::string>> labels;  // taken so far
    for (const std::string& name : *names) {
      const auto parsed = parse_sensor_attribute(name);
      if (!parsed) continue;
      const std::string sensor(parsed->sensor);
      const bool has_input = std::binary_search(names->begin(), names->end(), sensor + "_input");
      const bool is_value = parsed->attribute == "input" || (parsed->attribute == "average" && !has_input &&
                                                             parsed->kind == SensorKind::power);
      if (!is_value) continue;
      std::string label = tag_text(text_of(sensor + "_label"));
      if (label.empty()) label = sensor;
      if (!labels.emplace(parsed->kind, label).second) label += " " + sensor;
      add_value(index_of(parsed->kind), parsed->kind, sensor, name, label, found);
      if (parsed->kind == SensorKind::temperature) add_critical(sensor, label, found);
    }
    return found;
  }

 private:
  void add_value(Index index, SensorKind kind, const std::string& sensor, const std::string& attribute,
                 const std::string& label, Readings& found) const {
    if (number_of(sensor + "_fault").value_or(0) != 0) return;
    const auto raw = number_of(attribute);
    if (!raw) return;  // EIO, EAGAIN, ENODATA: the device sleeps, or the sensor is not connected
    const double value = sensor_value(kind, *raw);
    if (kind == SensorKind::temperature && !is_temperature(value)) return;
    found.push_back({&kMetrics[index], {name_, label}, value});
  }

  void add_critical(const std::string& sensor, const std::string& label, Readings& found) const {
    const auto raw = number_of(sensor + "_crit");
    if (!raw) return;
    const double value = sensor_value(SensorKind::temperature, *raw);
    if (value > 0 && is_temperature(value)) found.push_back({&kMetrics[kCritical], {name_, label}, value});
  }

  // Drivers say "none" with values such as 65261.85 °C (NVMe) or −273 °C.
  static bool is_temperature(double celsius) { return celsius > -100 && celsius < 250; }

  [[nodiscard]] std::string text_of(const std::string& attribute) const {
    const auto text = read_(folder_ + "/" + attribute);
    return text ? std::string(trimmed(*text)) : std::string();
  }
  [[nodiscard]] std::optional<std::int64_t> number_of(const std::string& attribute) const {
    return to_number<std::int64_t>(text_of(attribute));
  }

  std::string folder_;
  std::string name_;
  ReadAttribute read_;
};

class Sensors final : public SlowCollector {
 public:
  Sensors(const ProcRoot& root, ReadAttribute read, const Clock& clock)
      : hwmon_(root.path("/sys/class/hwmon")),
        powercap_(root.path("/sys/class/powercap")),
        read_(std::move(read)),
        calls_(kCallPatience, clock) {}

  Result<void> gather(std::vector<Reading>& out) override {
    const auto names = list_directory(hwmon_);
    std::vector<std::pair<std::string, std::shared_ptr<Answer<Readings>>>> asked;
    for (const std::string& name : names ? *names : std::vector<std::string>()) {
      asked.emplace_back(hwmon_ + "/" + name, std::make_shared<Answer<Readings>>());
      calls_.start(asked.back().first, [folder = asked.back().first, answer = asked.back().second,
                                        read = read_] { answer->set(read_chip(folder, read)); });
    }
    calls_.wait(kCallPatience + kCallPatience);  // ends earlier: when every call has answered or is stuck

    std::string stuck;
    for (const auto& [folder, answer] : asked) {
      if (auto found = answer->take()) {
        out.insert(out.end(), std::make_move_iterator(found->begin()), std::make_move_iterator(found->end()));
      } else {
        stuck += (stuck.empty() ? "" : ", ") + folder;
      }
    }
    add_energy(out);
    if (!stuck.empty()) return Error{Error::Kind::unavailable, stuck, "does not answer", 0};
    if (out.empty()) return names ? Error{Error::Kind::not_found, hwmon_, "no sensor", 0} : names.error();
    return {};
  }

 private:
  static Readings read_chip(const std::string& folder, const ReadAttribute& read) {
    std::error_code none;
    const std::string device = std::filesystem::read_symlink(folder + "/device", none).filename().string();
    auto name = read(folder + "/name");
    if (name) return Chip(folder, chip_name(trimmed(*name), device), read).read();
    // Before 3.15 many drivers put their attributes beside the device.
    name = read(folder + "/device/name");
    if (!name) return {};
    return Chip(folder + "/device", chip_name(trimmed(*name), device), read).read();
  }

  // The running average power limit's counters, of each package and the parts of it.
  void add_energy(std::vector<Reading>& out) const {
    const auto zones = list_directory(powercap_);
    if (!zones) return;
    for (const std::string& zone : *zones) {
      if (!zone.starts_with("intel-rapl:")) continue;  // the "-mmio" ones count the same again
      const auto text = read_(powercap_ + "/" + zone + "/energy_uj");
      if (!text) continue;  // root's since 5.10: it tells what other processes compute
      const auto micro_joules = to_number<std::int64_t>(trimmed(*text));
      if (!micro_joules) continue;
      out.push_back({&kMetrics[kEnergy],
                     {"intel-rapl", zone_name(zone)},
                     sensor_value(SensorKind::energy, *micro_joules)});
    }
  }

  // "package-0", and "package-0-core" for the zone "intel-rapl:0:1" in it.
  [[nodiscard]] std::string zone_name(const std::string& zone) const {
    const auto text = read_(powercap_ + "/" + zone + "/name");
    std::string name = text ? tag_text(trimmed(*text)) : tag_text(zone);
    const std::size_t last = zone.rfind(':');
    if (last == zone.find(':')) return name;
    return zone_name(zone.substr(0, last)) + "-" + name;
  }

  std::string hwmon_;
  std::string powercap_;
  ReadAttribute read_;
  WatchedCalls calls_;
};

}  // namespace

std::unique_ptr<SlowCollector> make_sensor_collector(const ProcRoot& root, ReadAttribute read,
                                                     const Clock& clock) {
  return std::make_unique<Sensors>(root, std::move(read), clock);
}

constexpr CollectorInfo kSensorCollector{
    .name = "sensor",
    .metrics = kMetrics,
    .interval = std::chrono::seconds(60),
    .make_slow = [](const CollectorContext& context) -> std::unique_ptr<SlowCollector> {
      return make_sensor_collector(
          context.root, [](const std::string& path) { return read_file(path); }, system_clock());
    }};

}  // namespace sysmon
