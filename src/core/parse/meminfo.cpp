#include "sysmon/parse/meminfo.hpp"

#include <array>
#include <cstddef>

#include "sysmon/parse/line_cursor.hpp"

namespace sysmon {
namespace {

struct Line {
  std::string_view name;
  MemInfo::Field MemInfo::* field;
};

// In the order of the file, so that the next one wanted is nearly always the next one met.
constexpr std::array<Line, 20> kLines = {{{"MemTotal", &MemInfo::total},
                                          {"MemFree", &MemInfo::free},
                                          {"MemAvailable", &MemInfo::available},
                                          {"Buffers", &MemInfo::buffers},
                                          {"Cached", &MemInfo::cached},
                                          {"SwapTotal", &MemInfo::swap_total},
                                          {"SwapFree", &MemInfo::swap_free},
                                          {"Dirty", &MemInfo::dirty},
                                          {"Writeback", &MemInfo::writeback},
                                          {"AnonPages", &MemInfo::anon},
                                          {"Mapped", &MemInfo::mapped},
                                          {"Shmem", &MemInfo::shared},
                                          {"SReclaimable", &MemInfo::slab_reclaimable},
                                          {"SUnreclaim", &MemInfo::slab_unreclaimable},
                                          {"PageTables", &MemInfo::page_tables},
                                          {"CommitLimit", &MemInfo::commit_limit},
                                          {"Committed_AS", &MemInfo::committed},
                                          {"HugePages_Total", &MemInfo::hugepages_total},
                                          {"HugePages_Free", &MemInfo::hugepages_free},
                                          {"Hugepagesize", &MemInfo::hugepage_size}}};

// The position of `name` in kLines, looked for from `hint` on and then from the start; the size where it has
// none.
std::size_t find_line(std::string_view name, std::size_t hint) {
  for (std::size_t i = hint; i < kLines.size(); ++i) {
    if (kLines[i].name == name) return i;
  }
  for (std::size_t i = 0; i < hint; ++i) {
    if (kLines[i].name == name) return i;
  }
  return kLines.size();
}

}  // namespace

Result<void> parse_meminfo(std::string_view text, MemInfo& out) {
  out = {};
  std::size_t hint = 0;
  for (LineCursor cursor(text); !cursor.at_end(); cursor.next_line()) {
    const std::size_t found = find_line(cursor.word_until(':'), hint);
    if (found == kLines.size()) continue;
    hint = found + 1;
    std::uint64_t value = 0;
    if (!cursor.number(value)) return Error::malformed("/proc/meminfo", cursor.line());
    const std::string_view unit = cursor.word();
    if (unit == "kB") {
      if (value > UINT64_MAX / 1024) return Error::malformed("/proc/meminfo", cursor.line());
      value *= 1024;
    } else if (!unit.empty()) {
      return Error::malformed("/proc/meminfo", cursor.line());
    }
    out.*kLines[found].field = value;
  }
  return {};
}

}  // namespace sysmon
