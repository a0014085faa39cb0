// DropList: what has to be declared to the aggregator, the oldest first. Neighbours become one range, so that
// an outage of a week is one line and not ten thousand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/spool/batch_index.hpp"
#include "core/spool/record.hpp"
#include "core/spool/segment_log.hpp"

namespace sysmon {

struct PendingDrop {
  RecordPlace place;         // segment 0: it is in memory only
  RecordPlace safe_place{};  // of the newest record of it that was synced; stays until a newer one is
  std::uint32_t stream = 0;  // BatchIndex::stream_number
  SeqRange range;
  std::uint64_t samples = 0;
  LossReason reason = LossReason::spool_full;
};

class DropList {
 public:
  // What was written of them is synced.
  void note_synced() {
    for (PendingDrop& drop : drops_) {
      if (drop.place.segment != 0) drop.safe_place = drop.place;
    }
  }

  // The drop that now says it: a new one, or the last one of its stream and reason, grown, which has then to be
  // written again.
  PendingDrop& add(const PendingDrop& drop) {
    for (std::size_t i = drops_.size(); i-- > 0;) {
      PendingDrop& known = drops_[i];
      if (known.stream != drop.stream || known.reason != drop.reason) continue;
      if (known.range.last + 1 != drop.range.first) break;
      known.range.last = drop.range.last;
      known.samples += drop.samples;
      known.place = {};
      return known;
    }
    drops_.push_back(drop);
    return drops_.back();
  }

  void forget(std::uint32_t stream, std::size_t count) {
    std::erase_if(drops_, [&](const PendingDrop& drop) {
      if (drop.stream != stream || count == 0) return false;
      --count;
      return true;
    });
  }

  [[nodiscard]] std::vector<PendingDrop>& all() { return drops_; }
  [[nodiscard]] const std::vector<PendingDrop>& all() const { return drops_; }

 private:
  std::vector<PendingDrop> drops_;
};

}  // namespace sysmon
