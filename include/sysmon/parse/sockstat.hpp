// /proc/net/sockstat: sockets in use, a line a protocol.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "sysmon/result.hpp"

namespace sysmon {

//   sockets: used 30
//   TCP: inuse 8 orphan 0 tw 129 alloc 8 mem 0
struct Sockstat {
  std::optional<std::uint64_t> sockets_used;
  std::optional<std::uint64_t> tcp_inuse;
  std::optional<std::uint64_t> tcp_orphan;
  std::optional<std::uint64_t> tcp_time_wait;
  std::optional<std::uint64_t> tcp_alloc;
  std::optional<std::uint64_t> tcp_memory_pages;
  friend bool operator==(const Sockstat&, const Sockstat&) = default;
};

// Other lines and names are ignored. Error: malformed, with the line, where a value is missing or not a
// number.
Result<Sockstat> parse_sockstat(std::string_view text);

}  // namespace sysmon
