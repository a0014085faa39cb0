#include "sysmon/parse/uptime.hpp"

#include <cmath>

#include "sysmon/parse/fields.hpp"

namespace sysmon {

Result<std::int64_t> parse_uptime(std::string_view text) {
  std::string_view line = take_line(text);
  const std::string_view whole = line;
  const auto seconds = to_number<double>(take_word(line));
  // The kernel counts up from 0; 2^53 ms is where doubles stop to be exact.
  if (!seconds || !(*seconds >= 0 && *seconds < 9e12)) return Error::malformed("/proc/uptime", whole);
  return static_cast<std::int64_t>(std::llround(*seconds * 1000));
}

}  // namespace sysmon
