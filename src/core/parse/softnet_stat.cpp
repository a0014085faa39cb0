#include "sysmon/parse/softnet_stat.hpp"

#include <cstddef>

#include "sysmon/parse/fields.hpp"
#include "sysmon/tag_text.hpp"

namespace sysmon {

Result<void> parse_softnet_stat(std::string_view text, std::vector<SoftnetStat>& out) {
  constexpr std::size_t kDropped = 1;
  constexpr std::size_t kSqueezed = 2;
  constexpr std::size_t kCpu = 12;
  std::uint32_t line_number = 0;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    std::string_view rest = line;
    SoftnetStat stat{.cpu = line_number++};
    std::size_t columns = 0;
    for (std::string_view word = take_word(rest); !word.empty(); word = take_word(rest), ++columns) {
      const auto number = to_number<std::uint32_t>(word, 16);
      if (!number) return Error::malformed("/proc/net/softnet_stat", tag_text(line));
      if (columns == kDropped) stat.dropped = *number;
      if (columns == kSqueezed) stat.squeezed = *number;
      if (columns == kCpu) stat.cpu = *number;
    }
    if (columns <= kSqueezed) return Error::malformed("/proc/net/softnet_stat", tag_text(line));
    out.push_back(stat);
  }
  return {};
}

}  // namespace sysmon
