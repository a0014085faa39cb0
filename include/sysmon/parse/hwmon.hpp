// /sys/class/hwmon/hwmon*: the names of a sensor chip's attributes.
// https://docs.kernel.org/hwmon/sysfs-interface.html
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sysmon {

enum class SensorKind : std::uint8_t { temperature, fan, voltage, power, energy };

// "temp2_crit" is {temperature, "temp2", "crit"}.
struct SensorAttribute {
  SensorKind kind = SensorKind::temperature;
  std::string_view sensor;     // points into the name
  std::string_view attribute;  // "input", "average", "crit", "label", …

  friend bool operator==(const SensorAttribute&, const SensorAttribute&) = default;
};

// nullopt for what is no attribute of a sensor ("name", "uevent"), or of a kind that is not read (humidity,
// currents).
[[nodiscard]] std::optional<SensorAttribute> parse_sensor_attribute(std::string_view name);

// The kernel's integer in the metric's unit: millidegrees, millivolts, microwatts, microjoules, rpm.
[[nodiscard]] double sensor_value(SensorKind kind, std::int64_t raw);

// A chip's name that stays the same whatever is plugged in before it: its driver's name and its device's,
// without saying the same twice. ("coretemp", "coretemp.0") -> "coretemp.0", ("k10temp", "0000:00:18.3") ->
// "k10temp-0000:00:18.3", ("acpitz", "") -> "acpitz".
[[nodiscard]] std::string chip_name(std::string_view driver, std::string_view device);

}  // namespace sysmon
