#include "sysmon/parse/loadavg.hpp"

#include "sysmon/parse/line_cursor.hpp"

namespace sysmon {

Result<LoadAverage> parse_loadavg(std::string_view text) {
  LineCursor cursor(text);
  LoadAverage load;
  if (!cursor.decimal(load.avg1) || !cursor.decimal(load.avg5) || !cursor.decimal(load.avg15)) {
    return Error::malformed("/proc/loadavg", cursor.line());
  }
  return load;
}

}  // namespace sysmon
