// SegmentLog: the spool's segments as one append-only log of records.
//
// A segment that a write or a sync failed on is never written or synced again (what the kernel dropped it will
// not tell twice): the next append begins a new one.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sysmon/state_files.hpp"

namespace sysmon {

// Where a record lies. Segment 0 is none: it is in memory only.
struct RecordPlace {
  std::uint64_t segment = 0;
  std::uint32_t offset = 0;
  std::uint32_t bytes = 0;  // header and payload
  friend auto operator<=>(const RecordPlace&, const RecordPlace&) = default;
};

struct SegmentFile {
  std::uint64_t number = 0;
  std::uint64_t bytes = 0;
};

// No agent gets there: what is above is none of ours.
inline constexpr std::uint64_t kMaxSegment = std::uint64_t{1} << 62U;

// "segment-000000000042", and back; 0 for any other name.
[[nodiscard]] std::string segment_name(std::uint64_t number);
[[nodiscard]] std::uint64_t segment_number(std::string_view name);

class SegmentLog {
 public:
  explicit SegmentLog(Files& files) : files_(files) {}

  // What recovery found: ascending, the next new segment's number, and whether appending may go on in the
  // last one.
  void adopt(std::vector<SegmentFile> segments, std::uint64_t next_number, bool is_last_whole);

  // What was read only later, ascending. REQUIRES: everything appended is synced. The next append begins a new segment.
  void adopt_late(const std::vector<SegmentFile>& found);
  // It was made by this log.
  [[nodiscard]] bool is_ours(std::uint64_t number) const;

  // At the end of the last segment, or of a new one once that has `segment_bytes`.
  // Error: nothing was appended; the segment is closed.
  [[nodiscard]] Result<RecordPlace> append(std::string_view record, std::uint64_t segment_bytes);
  // The bytes of the record, unproven.
  [[nodiscard]] Result<std::string> read(const RecordPlace& place);
  // Everything appended, and the files' names, survive a power loss from here on.
  // Error: what was appended since the last sync must be appended again.
  [[nodiscard]] Result<void> sync();
  // Likewise for what was found at the start: a process that was killed may have left it to us. Returns the segments
  // whose sync failed: they may be gone after a power loss, and are not asked again.
  [[nodiscard]] std::vector<std::uint64_t> sync_found();
  [[nodiscard]] bool is_found_synced() const { return found_.empty(); }
  // The next append begins a new segment.
  void close_last();
  // Deletes every segment before `number`, but for one that is still appended to.
  void remove_before(std::uint64_t number);
  // REQUIRES: it is not appended to.
  void remove_one(std::uint64_t number);
  // Counts every segment from `number` on as gone: its records are to be written again. The files stay until that
  // is done, because a process that is killed meanwhile needs them.
  void abandon_from(std::uint64_t number);
  void remove_abandoned();
  [[nodiscard]] Result<void> sync_names() { return files_.sync(); }

  [[nodiscard]] const std::deque<SegmentFile>& segments() const { return segments_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  // Where the next record would begin.
  [[nodiscard]] RecordPlace end() const;

 private:
  [[nodiscard]] Result<void> open_last(std::uint64_t segment_bytes);
  // A file that could not be listed, or was made far ahead by an earlier start, is not written over.
  [[nodiscard]] Result<void> skip_taken_names();
  void forget_empty_last();
  void remove(const SegmentFile& segment);
  void remove_file(std::uint64_t number);

  Files& files_;
  std::deque<SegmentFile> segments_;  // the oldest first
  std::vector<std::uint64_t> found_;  // at the start, and not synced yet
  std::vector<std::uint64_t> abandoned_;
  std::vector<std::uint64_t> made_;  // and not removed yet
  std::uint64_t next_number_ = 1;
  std::uint64_t bytes_ = 0;
  bool may_append_ = false;  // to the last of segments_
  bool are_names_unsynced_ = false;
  bool is_last_unsynced_ = false;
  std::unique_ptr<File> last_;
  std::vector<std::unique_ptr<File>> unsynced_;  // closed segments with something to sync
  std::unique_ptr<File> read_;
  std::uint64_t read_number_ = 0;
};

}  // namespace sysmon
