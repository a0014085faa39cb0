// list_directory: the names in a directory of /proc or /sys.
#pragma once

#include <string>
#include <vector>

#include "sysmon/result.hpp"

namespace sysmon {

// Sorted, without "." and "..". Error: not_found, permission, io.
Result<std::vector<std::string>> list_directory(const std::string& path);

}  // namespace sysmon
