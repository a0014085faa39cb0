// Durations and sizes: text <-> numbers.
#include <array>
#include <charconv>
#include <limits>

#include "sysmon/agent_config.hpp"

namespace sysmon {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// Ascending; format picks the last that divides.
constexpr std::array kDurations = {Unit{"ms", 1}, Unit{"s", 1'000}, Unit{"m", 60'000}, Unit{"h", 3'600'000},
                                   Unit{"d", 86'400'000}};
constexpr std::array kBinarySizes = {Unit{"B", 1}, Unit{"KiB", 1ULL << 10U}, Unit{"MiB", 1ULL << 20U},
                                     Unit{"GiB", 1ULL << 30U}, Unit{"TiB", 1ULL << 40U}};
constexpr std::array kDecimalSizes = {Unit{"KB", 1'000}, Unit{"MB", 1'000'000}, Unit{"GB", 1'000'000'000}};

struct Quantity {
  std::uint64_t number = 0;
  std::string_view unit;
};

// "10s" -> 10, "s". Whole numbers only: `1.5h` has one more way to be misread than `90m`.
std::optional<Quantity> split(std::string_view text) {
  Quantity quantity;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), quantity.number);
  if (failed != std::errc{}) return std::nullopt;
  quantity.unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (!quantity.unit.empty() && quantity.unit.front() == ' ') quantity.unit.remove_prefix(1);
  return quantity;
}

template <std::size_t N>
std::optional<std::uint64_t> scaled(const Quantity& quantity, const std::array<Unit, N>& units) {
  for (const Unit& unit : units) {
    if (unit.name != quantity.unit) continue;
    // Below 2^63, so that the value also fits the signed count of a duration.
    const auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (quantity.number > limit / unit.factor) return std::nullopt;
    return quantity.number * unit.factor;
  }
  return std::nullopt;
}

template <std::size_t N>
std::string formatted(std::uint64_t number, const std::array<Unit, N>& units) {
  const Unit* best = units.data();
  for (const Unit& unit : units) {
    if (number != 0 && number % unit.factor == 0) best = &unit;
  }
  return std::to_string(number / best->factor) + std::string(best->name);
}

Error not_one(std::string_view text, std::string_view what) {
  return {Error::Kind::invalid, "", "`" + std::string(text) + "` is not " + std::string(what), 0};
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto quantity = split(text);
  if (quantity && quantity->unit.empty()) {
    return Error{Error::Kind::invalid, "",
                 "`" + std::string(text) + "` has no unit; did you mean `" + std::string(text) + "s`?", 0};
  }
  const auto value = quantity ? scaled(*quantity, kDurations) : std::nullopt;
  if (!value)
    return not_one(text, "a duration; expected a whole number and a unit, such as 500ms, 10s, 5m, 1h, 7d");
  return std::chrono::milliseconds(*value);
}

std::string format_duration(std::chrono::milliseconds duration) {
  return formatted(static_cast<std::uint64_t>(duration.count()), kDurations);
}

Result<std::uint64_t> parse_size(std::string_view text) {
  const auto quantity = split(text);
  std::optional<std::uint64_t> value;
  if (quantity) {
    value = quantity->unit.empty() ? quantity->number : scaled(*quantity, kBinarySizes);
    if (!value) value = scaled(*quantity, kDecimalSizes);
  }
  if (!value) return not_one(text, "a size; expected a whole number and a unit, such as 512KiB, 64MiB, 1GB");
  return *value;
}

std::string format_size(std::uint64_t bytes) { return formatted(bytes, kBinarySizes); }

}  // namespace sysmon
