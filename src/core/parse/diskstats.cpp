#include "sysmon/parse/diskstats.hpp"

#include <array>

#include "sysmon/parse/line_cursor.hpp"

namespace sysmon {
namespace {

// The columns after the name, in the order of the file.
constexpr std::array kCounters = {
    &DiskStat::reads,       &DiskStat::reads_merged,  &DiskStat::sectors_read,    &DiskStat::read_ms,
    &DiskStat::writes,      &DiskStat::writes_merged, &DiskStat::sectors_written, &DiskStat::write_ms,
    &DiskStat::in_progress, &DiskStat::io_ms,         &DiskStat::weighted_io_ms};
constexpr std::size_t kOldPartitionColumns = 4;

enum class Line : std::uint8_t { whole, old_partition, malformed };

Line take_disk(LineCursor& cursor, DiskStat& disk) {
  if (!cursor.number(disk.major) || !cursor.number(disk.minor)) return Line::malformed;
  disk.device = cursor.word();
  if (disk.device.empty()) return Line::malformed;
  for (std::size_t i = 0; i < kCounters.size(); ++i) {
    if (cursor.at_line_end()) return i == kOldPartitionColumns ? Line::old_partition : Line::malformed;
    if (!cursor.number(disk.*kCounters[i])) return Line::malformed;
  }
  std::uint64_t ignored = 0;
  std::uint64_t value = 0;
  if (cursor.at_line_end()) return Line::whole;
  if (!cursor.number(value)) return Line::malformed;
  disk.discards = value;
  for (int i = 0; i < 3; ++i) {  // discards merged, sectors discarded, time discarding
    if (!cursor.number(ignored)) return Line::malformed;
  }
  if (cursor.at_line_end()) return Line::whole;
  if (!cursor.number(value)) return Line::malformed;
  disk.flushes = value;
  return Line::whole;
}

}  // namespace

Result<void> parse_diskstats(std::string_view text, std::vector<DiskStat>& out) {
  out.clear();
  for (LineCursor cursor(text); !cursor.at_end(); cursor.next_line()) {
    DiskStat disk;
    switch (take_disk(cursor, disk)) {
      case Line::malformed:
        return Error::malformed("/proc/diskstats", cursor.line());
      case Line::whole:
        out.push_back(disk);
        break;
      case Line::old_partition:
        break;
    }
  }
  return {};
}

}  // namespace sysmon
