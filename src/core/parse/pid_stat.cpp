#include "sysmon/parse/pid_stat.hpp"

#include "sysmon/parse/fields.hpp"
#include "sysmon/tag_text.hpp"

namespace sysmon {

Result<PidStat> parse_pid_stat(std::string_view text) {
  // After the command: state is field 3 of the man page, num_threads field 20.
  constexpr int kFieldsBetween = 20 - 3 - 1;
  const auto malformed = [&] { return Error::malformed("pid stat", tag_text(text)); };
  const std::size_t end = text.rfind(')');
  if (end == std::string_view::npos) return malformed();
  std::string_view fields = text.substr(end + 1);
  const std::string_view state = take_word(fields);
  for (int i = 0; i < kFieldsBetween; ++i) take_word(fields);
  const auto threads = to_number<std::uint32_t>(take_word(fields));
  if (state.size() != 1 || !threads) return malformed();
  return PidStat{state.front(), *threads};
}

}  // namespace sysmon
