#include "sysmon/parse/nf_conntrack.hpp"

#include "sysmon/parse/fields.hpp"
#include "sysmon/tag_text.hpp"

namespace sysmon {

Result<std::uint64_t> parse_nf_conntrack_drops(std::string_view text) {
  constexpr std::string_view kFile = "nf_conntrack";
  const std::string_view names = take_line(text);
  std::size_t column = 0;
  for (std::string_view rest = names;; ++column) {
    const std::string_view name = take_word(rest);
    if (name == "drop") break;
    if (name.empty()) return Error::malformed(kFile, tag_text(names));
  }
  std::uint64_t sum = 0;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    std::string_view rest = line;
    for (std::size_t i = 0; i < column; ++i) take_word(rest);
    const auto drops = to_number<std::uint32_t>(take_word(rest), 16);
    if (!drops) return Error::malformed(kFile, tag_text(line));
    sum += *drops;
  }
  return sum;
}

}  // namespace sysmon
