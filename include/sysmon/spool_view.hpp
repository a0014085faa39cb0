// SpoolView: what lies in a spool's folder (docs/formats/spool.md), for whoever looks at it.
//
// Nothing is changed and nothing is locked: an agent may be at work there. What only its memory has is not seen.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sysmon/loss_reason.hpp"
#include "sysmon/result.hpp"
#include "sysmon/seq_range.hpp"
#include "sysmon/state_files.hpp"

namespace sysmon {

struct SpoolView {
  struct Place {
    std::string file;
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
  };
  struct Cursor {
    Place at;            // bytes: 0
    std::string stream;  // with seq, the batch that is expected there; "": none in particular
    std::uint64_t seq = 0;
  };
  struct Segment {
    std::string file;
    std::uint64_t bytes = 0;
    std::uint64_t batches = 0;  // that wait
    std::uint64_t drops = 0;    // that are not acknowledged
  };
  struct Batch {
    Place at;  // bytes: header and payload
    std::string stream;
    std::uint64_t seq = 0;
    std::int64_t sealed_ms = 0;  // Unix milliseconds
    std::uint32_t samples = 0;
    std::uint64_t bytes = 0;  // of the payload
    bool is_gzip = true;
  };
  struct Drop {
    std::string stream;
    SeqRange range;
    std::uint64_t samples = 0;  // 0: nobody knows
    LossReason reason = LossReason::spool_full;
    bool is_recorded = true;  // false: what the next start of the agent would find missing
  };

  std::string folder;            // "": view_spool knows of none
  std::string agent_id;          // "": none yet
  std::optional<Cursor> cursor;  // nullopt: there is none, or it is garbage
  std::vector<Segment> segments;
  std::vector<Batch> waiting;      // the oldest first
  std::vector<Drop> dropped;       // not yet acknowledged
  std::vector<Batch> quarantined;  // the newest MiB of them
  std::vector<Place> damage;       // bytes: 0 where a file cannot be read at all
  // The end of the last segment is a part of a record: written just now, or cut off by a power loss.
  std::optional<Place> unfinished;
};

// Error not_found: there is no such folder, or what it holds is no spool; permission; invalid: it is a symlink, or
// open to others.
[[nodiscard]] Result<SpoolView> look_at_spool(const std::string& folder);

// The same of files that were opened by the caller; what is no spool is an empty one.
[[nodiscard]] SpoolView view_spool(Files& files);

// Batches of one stream and one fate with nothing between them: what a person reads.
struct SpoolRange {
  std::string_view fate;  // waiting, dropped, quarantined
  std::string stream;
  SeqRange seqs;
  std::uint64_t batches = 0;
  std::uint64_t samples = 0;
  std::uint64_t bytes = 0;    // of the payloads; 0 where they are gone
  std::int64_t since_ms = 0;  // when the first was sealed, Unix milliseconds; 0: not known any more
  std::int64_t until_ms = 0;  // the last, included
  std::string_view reason;    // of a drop, else ""
};
[[nodiscard]] std::vector<SpoolRange> ranges_of(const SpoolView& view);

// One JSON object; times are Unix seconds (docs/formats/spool.md).
[[nodiscard]] std::string to_json(const SpoolView& view);

}  // namespace sysmon
