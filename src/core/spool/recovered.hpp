// Recovered: what was found in the spool's folder.
#pragma once

#include <cstdint>
#include <vector>

#include "core/spool/record.hpp"
#include "core/spool/segment_log.hpp"

namespace sysmon {

struct FoundBatch {
  RecordPlace place;
  Record record;  // without its payload
};

struct FoundDrop {
  RecordPlace place;  // segment 0: it is not written down yet
  Drop drop;
};

// Bytes that are no record.
struct DamagedPlace {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;  // 0: the segment cannot be read at all
};

struct Recovered {
  std::vector<FoundBatch> batches;  // what still has to be sent, in the order of the log
  std::vector<FoundDrop> drops;     // what still has to be declared
  std::vector<FoundDrop> resealed;  // what lies before this place under that number is settled
  std::vector<SegmentFile> segments;
  std::uint64_t next_number = 1;
  bool is_last_whole = false;    // appending may go on in the last segment
  std::uint64_t torn_bytes = 0;  // the last segment ends within a record: its `bytes` are those before that
  std::vector<DamagedPlace> damage;  // what was skipped
  std::vector<std::uint64_t> stale;  // segments that are done with
};

}  // namespace sysmon
