// /proc/<pid>/stat: one process. Only what the counts need.
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
#pragma once

#include <cstdint>
#include <string_view>

#include "sysmon/result.hpp"

namespace sysmon {

struct PidStat {
  char state = '?';           // R, S, D, T, t, Z, I, …
  std::uint32_t threads = 0;  // num_threads, since 2.6

  friend bool operator==(const PidStat&, const PidStat&) = default;
};

// Of "812 (a) b) S 1 812 …": the command may hold anything, brackets and blanks too, so its end is the last
// bracket. Error: malformed when the line ends before num_threads.
Result<PidStat> parse_pid_stat(std::string_view text);

}  // namespace sysmon
