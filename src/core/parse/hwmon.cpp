#include "sysmon/parse/hwmon.hpp"

#include <array>
#include <utility>

#include "sysmon/tag_text.hpp"

namespace sysmon {

std::optional<SensorAttribute> parse_sensor_attribute(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, SensorKind>, 5> kPrefixes = {
      {{"temp", SensorKind::temperature},
       {"fan", SensorKind::fan},
       {"in", SensorKind::voltage},
       {"power", SensorKind::power},
       {"energy", SensorKind::energy}}};
  const std::size_t bar = name.find('_');
  if (bar == std::string_view::npos || bar + 1 == name.size()) return std::nullopt;
  const std::string_view sensor = name.substr(0, bar);
  for (const auto& [prefix, kind] : kPrefixes) {
    if (!sensor.starts_with(prefix)) continue;
    const std::string_view number = sensor.substr(prefix.size());
    if (number.empty() || number.find_first_not_of("0123456789") != std::string_view::npos) continue;
    return SensorAttribute{kind, sensor, name.substr(bar + 1)};
  }
  return std::nullopt;
}

double sensor_value(SensorKind kind, std::int64_t raw) {
  const auto value = static_cast<double>(raw);
  switch (kind) {
    case SensorKind::temperature:
    case SensorKind::voltage:
      return value / 1e3;
    case SensorKind::power:
    case SensorKind::energy:
      return value / 1e6;
    case SensorKind::fan:
      break;
  }
  return value;
}

std::string chip_name(std::string_view driver, std::string_view device) {
  if (device.empty()) return tag_text(driver);
  if (device.starts_with(driver)) return tag_text(device);
  return tag_text(std::string(driver) + "-" + std::string(device));
}

}  // namespace sysmon
