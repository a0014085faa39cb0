#include "sysmon/result.hpp"

#include <cerrno>
#include <system_error>

namespace sysmon {

std::string Error::message() const {
  std::string line = where;
  if (!line.empty() && !detail.empty()) line += ": ";
  line += detail;
  // std::generic_category rather than strerror: threads may fail at the same time.
  if (errno_value != 0) line += " (" + std::generic_category().message(errno_value) + ")";
  return line;
}

std::string_view Error::reason() const {
  switch (kind) {
    case Kind::not_found:
      return "not_found";
    case Kind::permission:
      return "permission";
    case Kind::malformed:
      return "malformed";
    case Kind::io:
      return "io";
    case Kind::too_large:
      return "too_large";
    case Kind::unavailable:
      return "unavailable";
    case Kind::invalid:
      return "invalid";
  }
  return "unknown";
}

Error Error::malformed(std::string_view where, std::string_view detail) {
  return {Kind::malformed, std::string(where), std::string(detail), 0};
}

Error Error::from_errno(std::string_view where, std::string_view call, int errno_value) {
  Kind kind = Kind::io;
  if (errno_value == ENOENT || errno_value == ENODEV || errno_value == ENXIO || errno_value == ENOTDIR) {
    kind = Kind::not_found;
  } else if (errno_value == EACCES || errno_value == EPERM) {
    kind = Kind::permission;
  }
  return {kind, std::string(where), std::string(call) + " failed", errno_value};
}

}  // namespace sysmon
