#include "sysmon/parse/adjtimex.hpp"

#include <sys/timex.h>

#include <array>
#include <optional>
#include <string>

#include "sysmon/parse/fields.hpp"
#include "sysmon/tag_text.hpp"

namespace sysmon {

ClockState clock_state(int state, int status, std::int64_t offset, std::int64_t max_error_us) {
  const double per_second =
      (static_cast<unsigned>(status) & static_cast<unsigned>(STA_NANO)) != 0 ? 1e9 : 1e6;
  return {static_cast<double>(offset) / per_second, static_cast<double>(max_error_us) / 1e6,
          state != TIME_ERROR};
}

Result<ClockState> parse_adjtimex(std::string_view text) {
  constexpr std::array<std::string_view, 4> kNames = {"state", "status", "offset", "maxerror"};
  std::array<std::optional<std::int64_t>, kNames.size()> values;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    std::string_view rest = line;
    const std::string_view name = take_word(rest);
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      if (name != kNames[i]) continue;
      values[i] = to_number<std::int64_t>(trimmed(rest));
      if (!values[i]) return Error::malformed("adjtimex", tag_text(line));
    }
  }
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (!values[i]) return Error::malformed("adjtimex", std::string(kNames[i]) + " is missing");
  }
  return clock_state(static_cast<int>(*values[0]), static_cast<int>(*values[1]), *values[2], *values[3]);
}

}  // namespace sysmon
