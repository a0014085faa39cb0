#include "sysmon/parse/pressure.hpp"

#include "sysmon/parse/fields.hpp"
#include "sysmon/tag_text.hpp"

namespace sysmon {
namespace {

// Takes "name=value" off the line.
template <class Number>
bool take_field(std::string_view& line, std::string_view name, Number& out) {
  std::string_view word = take_word(line);
  if (take_until(word, '=') != name) return false;
  const auto number = to_number<Number>(word);
  out = number.value_or(Number{});
  return number.has_value();
}

}  // namespace

Result<Pressure> parse_pressure(std::string_view text) {
  Pressure pressure;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    std::string_view rest = line;
    const std::string_view kind = take_word(rest);
    if (kind != "some" && kind != "full") continue;
    PressureLine& known = kind == "some" ? pressure.some.emplace() : pressure.full.emplace();
    if (!take_field(rest, "avg10", known.avg10) || !take_field(rest, "avg60", known.avg60) ||
        !take_field(rest, "avg300", known.avg300) || !take_field(rest, "total", known.total_us)) {
      return Error::malformed("/proc/pressure", tag_text(line));
    }
  }
  return pressure;
}

}  // namespace sysmon
