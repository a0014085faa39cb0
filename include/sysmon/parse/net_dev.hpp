// /proc/net/dev: a line a network interface, after two lines of heading.
//
//     Inter-|   Receive                            …                   |  Transmit
//      face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo …
//       eth0: 972122414   24629    0    0    0     0          0         0  1415043   15256    0    0    0 …
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "sysmon/result.hpp"

namespace sysmon {

// Counters since the interface came.
struct NetDev {
  std::string_view interface;  // points into the parsed text
  std::uint64_t bytes_recv = 0;
  std::uint64_t packets_recv = 0;
  std::uint64_t errors_in = 0;
  std::uint64_t drops_in = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t packets_sent = 0;
  std::uint64_t errors_out = 0;
  std::uint64_t drops_out = 0;
};

// Parses the text, replacing `out`. A large number may touch the name: "eth0:1234567890".
// Error: malformed, with the line.
Result<void> parse_net_dev(std::string_view text, std::vector<NetDev>& out);

}  // namespace sysmon
