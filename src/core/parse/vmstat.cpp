#include "sysmon/parse/vmstat.hpp"

#include <array>

#include "sysmon/parse/line_cursor.hpp"

namespace sysmon {
namespace {

struct Line {
  std::string_view name;
  std::optional<std::uint64_t> VmStat::* field;
};

constexpr std::array<Line, 5> kLines = {{{"pswpin", &VmStat::pages_swapped_in},
                                         {"pswpout", &VmStat::pages_swapped_out},
                                         {"pgfault", &VmStat::page_faults},
                                         {"pgmajfault", &VmStat::major_faults},
                                         {"oom_kill", &VmStat::oom_kills}}};

}  // namespace

Result<void> parse_vmstat(std::string_view text, VmStat& out) {
  out = {};
  for (LineCursor cursor(text); !cursor.at_end(); cursor.next_line()) {
    // All of ours begin with one of two letters; most of the file does not.
    const char first = cursor.rest().front();
    if (first != 'p' && first != 'o') continue;
    const std::string_view name = cursor.word();
    for (const Line& line : kLines) {
      if (line.name != name) continue;
      std::uint64_t value = 0;
      if (!cursor.number(value)) return Error::malformed("/proc/vmstat", cursor.line());
      out.*line.field = value;
    }
  }
  return {};
}

}  // namespace sysmon
