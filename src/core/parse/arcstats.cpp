#include "sysmon/parse/arcstats.hpp"

#include "sysmon/parse/line_cursor.hpp"

namespace sysmon {

Result<ArcStats> parse_arcstats(std::string_view text) {
  ArcStats stats;
  bool has_size = false;
  bool has_min = false;
  for (LineCursor cursor(text); !cursor.at_end(); cursor.next_line()) {
    const std::string_view name = cursor.word();
    if (name != "size" && name != "c_min") continue;
    std::uint64_t type = 0;
    if (!cursor.number(type) || !cursor.number(name == "size" ? stats.size_bytes : stats.min_bytes)) {
      return Error::malformed("/proc/spl/kstat/zfs/arcstats", cursor.line());
    }
    (name == "size" ? has_size : has_min) = true;
  }
  if (!has_size || !has_min) return Error::malformed("/proc/spl/kstat/zfs/arcstats", "no size or no c_min");
  return stats;
}

}  // namespace sysmon
