#include "sysmon/parse/file_nr.hpp"

#include "sysmon/parse/line_cursor.hpp"

namespace sysmon {

Result<FileNr> parse_file_nr(std::string_view text) {
  LineCursor cursor(text);
  FileNr files;
  std::uint64_t free = 0;
  if (!cursor.number(files.allocated) || !cursor.number(free) || !cursor.number(files.limit)) {
    return Error::malformed("/proc/sys/fs/file-nr", cursor.line());
  }
  return files;
}

}  // namespace sysmon
