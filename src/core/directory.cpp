#include "sysmon/directory.hpp"

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>

namespace sysmon {

Result<std::vector<std::string>> list_directory(const std::string& path) {
  const auto close = [](DIR* open) { ::closedir(open); };
  const std::unique_ptr<DIR, decltype(close)> directory(::opendir(path.c_str()), close);
  if (!directory) return Error::from_errno(path, "opendir", errno);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  if (errno != 0) return Error::from_errno(path, "readdir", errno);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace sysmon
