// /proc/sys/fs/file-nr: "2037	0	2466170": open files, always 0, the most that may be open.
#pragma once

#include <cstdint>
#include <string_view>

#include "sysmon/result.hpp"

namespace sysmon {

struct FileNr {
  std::uint64_t allocated = 0;
  std::uint64_t limit = 0;
};

// Error: malformed.
Result<FileNr> parse_file_nr(std::string_view text);

}  // namespace sysmon
