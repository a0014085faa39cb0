#include "core/spool/scan.hpp"

#include <algorithm>
#include <utility>

namespace sysmon {
namespace {

constexpr std::size_t kMagicBytes = 4;
constexpr RecordPlace kAnywhere{UINT64_MAX, 0, 0};

bool is_in(const SeqRange& range, std::uint64_t seq) { return seq >= range.first && seq <= range.last; }

// All that `other` says, `drop` says.
bool says(const Drop& drop, const Drop& other) {
  return drop.stream == other.stream && drop.range.first <= other.range.first &&
         drop.range.last >= other.range.last;
}

// Takes `seq` out of `gaps`; what was missing above it is put into `above`. False: nothing was missing there.
bool fill_gap(std::vector<Drop>& gaps, const Id128& stream, std::uint64_t seq, std::vector<Drop>& above) {
  const auto gap = std::find_if(gaps.begin(), gaps.end(), [&](const Drop& one) {
    return one.stream == stream && is_in(one.range, seq);
  });
  if (gap == gaps.end()) return false;
  Drop upper = *gap;
  upper.range.first = seq + 1;
  gap->range.last = seq - 1;
  if (gap->range.first > gap->range.last) gaps.erase(gap);
  if (upper.range.first <= upper.range.last) above.push_back(upper);
  return true;
}

bool has_damage(std::string_view bytes) {
  bool has_any = false;
  for_each_record(
      bytes, 0, [](std::size_t, const Record&) {}, [&](std::size_t, std::size_t) { has_any = true; });
  return has_any;
}

// What is left of `range` without `taken`, which ascend.
std::vector<SeqRange> without(const SeqRange& range, const std::vector<SeqRange>& taken) {
  std::vector<SeqRange> left;
  std::uint64_t first = range.first;
  for (const SeqRange& one : taken) {
    if (one.last < first) continue;
    if (one.first > range.last) break;
    if (one.first > first) left.push_back({first, one.first - 1});
    first = one.last + 1;
  }
  if (first <= range.last) left.push_back({first, range.last});
  return left;
}

}  // namespace

Scan::Scan(const CursorPosition& from) : from_(from) {
  if (from.seq > 0) seen_[from.stream] = {from.seq - 1, {}};
  // What was written again after a failed sync may lie behind higher numbers: better sent twice than not at all.
  if (from.seq > 1) unknown_.push_back({from.stream, {1, from.seq - 1}, 0, LossReason::corrupt});
}

void Scan::segment(std::uint64_t number, std::string_view bytes, bool is_last) {
  std::size_t at = number == from_.segment ? static_cast<std::size_t>(from_.offset) : 0;
  const bool is_cut_before_cursor = at > bytes.size();
  // No record begins where the cursor points: what lies there has moved, and all of it is looked at.
  // Nor may its end be where the cursor points by chance: something was cut out before it.
  const bool is_moved = at < bytes.size() ? find_magic(bytes.substr(at, kMagicBytes), 0) != 0
                                          : at == bytes.size() && has_damage(bytes);
  if (is_cut_before_cursor || is_moved) at = 0;
  for_each_record(
      bytes, at,
      [&](std::size_t offset, const Record& record) {
        take({number, static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(record.bytes())},
             record);
      },
      [&](std::size_t offset, std::size_t size) {
        if (is_last && offset + size == bytes.size()) {
          found_.torn_bytes = size;
          declare_torn(bytes.substr(offset));
        } else {
          found_.damage.push_back({number, offset, size});
        }
      });
  found_.segments.push_back({number, bytes.size() - (is_last ? found_.torn_bytes : 0)});
  if (!is_last) return;
  // A cursor that lies past the end has seen more than there is now: what is appended here would be
  // taken for done after the next start.
  found_.is_last_whole = !is_cut_before_cursor;
}

Recovered Scan::take_found(bool is_all) {
  for (const FoundDrop& known : settled_) {
    std::erase_if(found_.batches, [&](const FoundBatch& batch) {
      return batch.place < known.place && batch.record.stream == known.drop.stream &&
             is_in(known.drop.range, batch.record.seq);
    });
  }
  leave_out_given();
  if (is_all) {
    for (const Drop& gap : std::exchange(gaps_, {})) declare_gap(gap);
  } else {
    note_given();
  }
  settled_before_ = settled_.size();
  return std::exchange(found_, {});
}

void Scan::take(const RecordPlace& place, const Record& record) {
  if (const auto drop = decode_drop(record)) {
    if (!was_said(*drop)) take_drop({place, *drop});
    settled_.push_back({kAnywhere, *drop});
    return;
  }
  if (!record.is_batch() || record.seq == 0) return;
  if (record.is_resealed()) {
    const Drop before{
        record.before.stream, {record.before.seq, record.before.seq}, 0, LossReason::quarantined};
    settled_.push_back({place, before});
    found_.resealed.push_back({place, before});
    // No agent writes it again behind this; what is there all the same is sent rather than left.
    unknown_.push_back(before);
  }
  // A stream that begins behind the cursor begins with 1. Without a cursor nobody knows what was settled.
  const std::uint64_t before = from_.seq > 0 ? 0 : record.seq - 1;
  const auto [known, is_new] = seen_.insert({record.stream, {before, place}});
  if (is_new && before > 0) unknown_.push_back({record.stream, {1, before}, 0, LossReason::corrupt});
  Seen& seen = known->second;
  // What is scanned late may lie before the first of its stream: what is between the two is known to be missing.
  const bool is_before = place < seen.first;
  if (is_before) seen.first = place;
  // Written again after a sync had failed, unless a power loss has taken what was written first.
  const bool was_missing = fill_gap(gaps_, record.stream, record.seq, gaps_);
  const bool was_unknown = fill_gap(unknown_, record.stream, record.seq, is_before ? gaps_ : unknown_);
  if (record.seq <= seen.last && !was_missing && !was_unknown) return;
  if (record.seq > seen.last + 1)
    gaps_.push_back({record.stream, {seen.last + 1, record.seq - 1}, 0, LossReason::corrupt});
  seen.last = std::max(seen.last, record.seq);
  FoundBatch batch{place, record};
  batch.record.payload = {};
  found_.batches.push_back(batch);
}

// A drop that grew was written again: the later record says it all. One that says nothing new is a copy, and the first
// record counts, as with batches: no cursor goes past it because of what somebody has put behind it.
void Scan::take_drop(const FoundDrop& later) {
  const bool is_copy = std::ranges::any_of(
      found_.drops, [&](const FoundDrop& earlier) { return says(earlier.drop, later.drop); });
  if (is_copy) return;
  std::erase_if(found_.drops, [&](const FoundDrop& earlier) { return says(later.drop, earlier.drop); });
  found_.drops.push_back(later);
}

// A batch whose record was cut by a power loss, where it is plain which one it was.
void Scan::declare_torn(std::string_view tail) {
  const auto guess = guess_record(tail);
  if (!guess || guess->is_resealed()) return;  // the latter waits under the number it had before
  const auto known = seen_.find(guess->stream);
  if (known == seen_.end() || guess->seq != known->second.last + 1) return;
  gaps_.push_back({guess->stream, {guess->seq, guess->seq}, 0, LossReason::corrupt});
  known->second.last = guess->seq;
}

// What of the gap no drop explains.
void Scan::declare_gap(const Drop& gap) {
  std::uint64_t seq = gap.range.first;
  while (seq <= gap.range.last) {
    std::uint64_t end = gap.range.last;
    bool is_explained = false;
    for (const FoundDrop& known : settled_) {
      if (known.drop.stream != gap.stream) continue;
      if (is_in(known.drop.range, seq)) {
        end = std::min(known.drop.range.last, gap.range.last);
        is_explained = true;
        break;
      }
      if (known.drop.range.first > seq) end = std::min(end, known.drop.range.first - 1);
    }
    if (!is_explained) found_.drops.push_back({{}, {gap.stream, {seq, end}, 0, LossReason::corrupt}});
    seq = end + 1;
  }
}

// A batch that an earlier call has given may be acknowledged by now: no drop that was found after it says any more
// that it is lost.
void Scan::leave_out_given() {
  std::vector<FoundDrop> left;
  for (const FoundDrop& found : found_.drops) {
    const auto given = given_.find(found.drop.stream);
    if (given == given_.end()) {
      left.push_back(found);
      continue;
    }
    for (const SeqRange& range : without(found.drop.range, given->second)) {
      FoundDrop part = found;
      if (part.drop.range != range) part.drop.samples = 0;  // nobody knows how many are its
      part.drop.range = range;
      left.push_back(part);
    }
  }
  found_.drops = std::move(left);
}

void Scan::note_given() {
  for (const FoundBatch& batch : found_.batches) {
    given_[batch.record.stream].push_back({batch.record.seq, batch.record.seq});
  }
  for (auto& [stream, ranges] : given_) {
    std::ranges::sort(ranges, {}, &SeqRange::first);
    std::vector<SeqRange> joined;
    for (const SeqRange& range : ranges) {
      if (!joined.empty() && range.first <= joined.back().last + 1) {
        joined.back().last = std::max(joined.back().last, range.last);
      } else {
        joined.push_back(range);
      }
    }
    ranges = std::move(joined);
  }
}

bool Scan::was_said(const Drop& drop) const {
  return std::any_of(
      settled_.begin(), settled_.begin() + static_cast<std::ptrdiff_t>(settled_before_),
      [&](const FoundDrop& known) { return known.place == kAnywhere && says(known.drop, drop); });
}

}  // namespace sysmon
