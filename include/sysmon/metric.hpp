// MetricInfo: what one metric type is. The single source of every metric's name, unit, kind, tags and
// formula.
//
// Each collector's file holds the entries of its family; registry.hpp gathers them. The API, the command
// line, docs/metrics.md and the dashboard all read them from there.
#pragma once

#include <cstdint>
#include <string_view>

namespace sysmon {

enum class Unit : std::uint8_t {
  none,  // a plain count
  percent,
  bytes,
  bytes_per_second,
  seconds,
  celsius,
  hertz,
  watts,
  joules,
  volts,
  rpm,
  bits,
  boolean  // 0 or 1
};

enum class Kind : std::uint8_t {
  gauge,   // may go up and down
  counter  // grows within a boot; rates are made on read
};

[[nodiscard]] std::string_view to_string(Unit unit);  // "percent", "bytes", …; "" for none
[[nodiscard]] std::string_view to_string(Kind kind);  // "gauge" or "counter"

struct MetricInfo {
  std::string_view name;  // "cpu.total_usage": family, dot, name ending in its unit
  Unit unit = Unit::none;
  Kind kind = Kind::gauge;
  std::string_view
      tags{};  // comma-separated keys in the order they are sent: "device,mountpoint"; "" for none
  std::string_view help{};     // one sentence for people
  std::string_view source{};   // kernel file and field: "/proc/stat cpu"
  std::string_view formula{};  // how the value is made from the source; "" where it is the field itself
  std::string_view since{};    // first kernel that has the source: "2.6.33"; "" for always
  bool default_on = true;  // false: only when the configuration's collectors.enable names it or its family

  // The part before the first dot: "cpu".
  [[nodiscard]] constexpr std::string_view family() const { return name.substr(0, name.find('.')); }
};

}  // namespace sysmon
