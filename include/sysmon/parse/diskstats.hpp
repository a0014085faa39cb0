// /proc/diskstats: a line a block device, partitions included.
// https://docs.kernel.org/admin-guide/iostats.html
//
//      254       0 vda 185905 20348 15063762 275548 80065 46743 8795672 46885 0 46160 325843 16462 58 2943200
//      2624
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "sysmon/result.hpp"

namespace sysmon {

inline constexpr std::uint64_t kSectorBytes = 512;  // here, whatever the device says

// Counters since the device came. The times wrap at 2^32 ms; before 5.0 the counts did too on 32-bit kernels.
struct DiskStat {
  std::uint64_t major = 0;
  std::uint64_t minor = 0;
  std::string_view device;  // points into the parsed text
  std::uint64_t reads = 0;
  std::uint64_t reads_merged = 0;
  std::uint64_t sectors_read = 0;
  std::uint64_t read_ms = 0;
  std::uint64_t writes = 0;
  std::uint64_t writes_merged = 0;
  std::uint64_t sectors_written = 0;
  std::uint64_t write_ms = 0;
  std::uint64_t in_progress = 0;  // now
  std::uint64_t io_ms = 0;        // time with any request in progress
  std::uint64_t weighted_io_ms = 0;
  std::optional<std::uint64_t> discards;  // since 4.18
  std::optional<std::uint64_t> flushes;   // since 5.5
};

// Parses the text, replacing `out`. Columns after the last known are ignored: kernels add them at the end.
// Lines of 7 columns (partitions before 2.6.25) are passed over: they lack the times.
// Error: malformed, with the line, when a known column is missing or not a number.
Result<void> parse_diskstats(std::string_view text, std::vector<DiskStat>& out);

}  // namespace sysmon
