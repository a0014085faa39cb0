#include "core/spool/recovery.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "core/spool/attempts.hpp"

namespace sysmon {
namespace {

// A segment has 1 MiB and the record that crossed the mark; more than this is not ours.
constexpr std::size_t kMaxSegmentRead = 4U << 20U;
constexpr std::size_t kMagicBytes = 4;
constexpr RecordPlace kAnywhere{UINT64_MAX, 0, 0};
constexpr std::uint64_t kFarAhead = 1'000'000;  // segments: past what may be there and was not seen

bool is_in(const SeqRange& range, std::uint64_t seq) { return seq >= range.first && seq <= range.last; }

class Scan {
 public:
  explicit Scan(const CursorPosition& from) : from_(from) {
    if (from.seq > 0) last_seq_[from.stream] = from.seq - 1;
    // What was written again after a failed sync may lie behind higher numbers: better sent twice than not at all.
    if (from.seq > 1) unknown_.push_back({from.stream, {1, from.seq - 1}, 0, LossReason::corrupt});
  }

  void segment(std::uint64_t number, std::string_view bytes, bool is_last) {
    std::size_t at = number == from_.segment ? static_cast<std::size_t>(from_.offset) : 0;
    const bool is_cut_before_cursor = at > bytes.size();
    // No record begins where the cursor points: what lies there has moved, and all of it is looked at.
    const bool is_moved = at < bytes.size() && find_magic(bytes.substr(at, kMagicBytes), 0) != 0;
    if (is_cut_before_cursor || is_moved) at = 0;
    for_each_record(
        bytes, at,
        [&](std::size_t offset, const Record& record) {
          const std::size_t size = kRecordHeaderBytes + record.payload.size();
          take({number, static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(size)}, record);
        },
        [&](std::size_t offset, std::size_t size) {
          if (is_last && offset + size == bytes.size()) {
            found.torn_bytes = size;
            declare_torn(bytes.substr(offset));
          } else {
            found.damage.push_back({number, offset, size});
          }
        });
    found.segments.push_back({number, bytes.size() - (is_last ? found.torn_bytes : 0)});
    if (!is_last) return;
    // A cursor that lies past the end has seen more than there is now: what is appended here would be
    // taken for done after the next start.
    found.is_last_whole = !is_cut_before_cursor;
  }

  void finish() {
    for (const FoundDrop& known : settled_) {
      std::erase_if(found.batches, [&](const FoundBatch& batch) {
        return batch.place < known.place && batch.record.stream == known.drop.stream &&
               is_in(known.drop.range, batch.record.seq);
      });
    }
    for (const Drop& gap : gaps_) declare_gap(gap);
  }

  Recovered found;

 private:
  void take(const RecordPlace& place, const Record& record) {
    const RecordPlace before_it = std::exchange(batch_, {});
    if (const auto drop = decode_drop(record)) {
      if (record.kind == RecordKind::drop) {
        settled_.push_back({kAnywhere, *drop});
        take_drop({place, *drop});
      } else if (before_it.segment == place.segment && before_it.offset + before_it.bytes == place.offset) {
        settled_.push_back({place, *drop});
        // No agent writes it again behind the note; what is there all the same is sent rather than left.
        unknown_.push_back(*drop);
      }
      return;
    }
    if (record.kind == RecordKind::drop || record.kind == RecordKind::resealed || record.seq == 0) return;
    batch_ = place;
    // A stream that begins behind the cursor begins with 1. Without a cursor nobody knows what was settled.
    const std::uint64_t before = from_.seq > 0 ? 0 : record.seq - 1;
    const auto [known, is_new] = last_seq_.insert({record.stream, before});
    if (is_new && before > 0) unknown_.push_back({record.stream, {1, before}, 0, LossReason::corrupt});
    std::uint64_t& last = known->second;
    // Written again after a sync had failed, unless a power loss has taken what was written first.
    const bool is_wanted = record.seq > last || fill_gap(gaps_, record.stream, record.seq) ||
                           fill_gap(unknown_, record.stream, record.seq);
    if (!is_wanted) return;
    if (record.seq > last + 1)
      gaps_.push_back({record.stream, {last + 1, record.seq - 1}, 0, LossReason::corrupt});
    last = std::max(last, record.seq);
    FoundBatch batch{place, record};
    batch.record.payload = {};
    found.batches.push_back(batch);
  }

  // False: nothing was missing there.
  static bool fill_gap(std::vector<Drop>& gaps, const Id128& stream, std::uint64_t seq) {
    const auto gap = std::find_if(gaps.begin(), gaps.end(), [&](const Drop& one) {
      return one.stream == stream && is_in(one.range, seq);
    });
    if (gap == gaps.end()) return false;
    Drop above = *gap;
    above.range.first = seq + 1;
    gap->range.last = seq - 1;
    if (gap->range.first > gap->range.last) gaps.erase(gap);
    if (above.range.first <= above.range.last) gaps.push_back(above);
    return true;
  }

  // A drop that grew was written again: the later record says it all.
  void take_drop(const FoundDrop& later) {
    std::erase_if(found.drops, [&](const FoundDrop& earlier) {
      return earlier.drop.stream == later.drop.stream && earlier.drop.range.first >= later.drop.range.first &&
             earlier.drop.range.last <= later.drop.range.last;
    });
    found.drops.push_back(later);
  }

  // A batch whose record was cut by a power loss, where it is plain which one it was.
  void declare_torn(std::string_view tail) {
    const auto guess = guess_record(tail);
    if (!guess) return;
    const auto known = last_seq_.find(guess->stream);
    if (known == last_seq_.end() || guess->seq != known->second + 1) return;
    gaps_.push_back({guess->stream, {guess->seq, guess->seq}, 0, LossReason::corrupt});
    known->second = guess->seq;
  }

  // What of the gap no drop explains.
  void declare_gap(const Drop& gap) {
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
      if (!is_explained) found.drops.push_back({{}, {gap.stream, {seq, end}, 0, LossReason::corrupt}});
      seq = end + 1;
    }
  }

  const CursorPosition from_;
  RecordPlace batch_;  // of the record before this one, if it was a batch: without it no note is believed
  std::map<Id128, std::uint64_t> last_seq_;
  std::vector<FoundDrop> settled_;  // every drop and resealed record, and before where what it settles lies
  std::vector<Drop> gaps_;
  std::vector<Drop> unknown_;  // below what came first, where no cursor says what was settled
};

Result<std::string> read_segment(Files& files, std::uint64_t number) {
  return read_patiently([&]() -> Result<std::string> {
    auto file = files.open(segment_name(number), OpenMode::read);
    return file ? (*file)->read_at(0, kMaxSegmentRead) : file.error();
  });
}

}  // namespace

Recovered recover_spool(Files& files, const Cursor& cursor) {
  const CursorPosition& from = cursor.position();
  Scan scan(from);
  std::vector<std::uint64_t> numbers;
  std::uint64_t highest = from.segment;
  if (const auto names = read_patiently([&] { return files.list(); })) {
    for (const std::string& name : *names) {
      const std::uint64_t number = segment_number(name);
      if (number == 0) continue;
      highest = std::max(highest, number);
      (number < from.segment ? scan.found.stale : numbers).push_back(number);
    }
  } else {  // nobody knows what is there: nothing of it is touched, another start will see it
    scan.found.unread_segment = std::max<std::uint64_t>(from.segment, 1);
    highest += kFarAhead;
    scan.found.damage.push_back({scan.found.unread_segment, 0, 0});
  }
  std::sort(numbers.begin(), numbers.end());
  for (const std::uint64_t number : numbers) {
    const bool is_last = number == numbers.back();
    const auto bytes = read_segment(files, number);
    if (!bytes && bytes.error().kind == Error::Kind::not_found) continue;  // its agent is done with it
    if (!bytes) {  // kept: another start may be able to read it
      scan.found.damage.push_back({number, 0, 0});
      scan.found.segments.push_back({number, 0});
      if (scan.found.unread_segment == 0) scan.found.unread_segment = number;
      continue;
    }
    scan.segment(number, *bytes, is_last);
  }
  scan.finish();
  if (cursor.is_unread()) {  // should it be seen again, what is new must lie behind it
    scan.found.is_last_whole = false;
    highest += kFarAhead;
  }
  // Never the cursor's own segment once that is gone: what is new must lie behind the cursor.
  scan.found.next_number = highest + 1;
  return std::move(scan.found);
}

}  // namespace sysmon
