#include <algorithm>

#include "core/spool/spool_impl.hpp"

namespace sysmon {
namespace {

constexpr std::uint64_t kMemoryBytes = 1U << 20U;
constexpr std::int64_t kAgeParts = 64;  // what becomes too old is dropped in steps of a sixty-fourth

}  // namespace

Result<void> Spool::Impl::make_room(std::uint64_t more) {
  // No segment is looked at twice: where one record alone is past the bound it is written all the same.
  for (std::size_t left = segments.segments().size(); left > 0 && segments.bytes() + more > options.max_bytes;
       --left) {
    // What is empty makes no room, and what the disk did not give may hold batches whose numbers nobody knows.
    const auto& all = segments.segments();
    const auto oldest =
        std::ranges::find_if(all, [](const SegmentFile& segment) { return segment.bytes > 0; });
    if (oldest == all.end()) break;
    const std::uint64_t number = oldest->number;
    if (number == all.back().number) segments.close_last();
    if (auto dropped = drop_segment(number); !dropped) return dropped;
  }
  return {};
}

Result<void> Spool::Impl::drop_segment(std::uint64_t number) {
  if (rest) give_up_missing();
  found_from.reset();  // all that settles anything is written and synced below, and what shows a gap may go
  for (PendingDrop& drop : drops.all()) {
    if (drop.place.segment != number && drop.place.segment != 0) continue;
    const auto place = write_drop(drop);
    if (!place) return place.error();
    drop.place = *place;
  }
  std::vector<std::uint64_t> ids;
  for (std::uint64_t id = index.waiting() > 0 ? index.oldest() : index.end(); id < index.end(); ++id) {
    const IndexedBatch* const batch = index.find(id);
    if (batch == nullptr) continue;
    if (batch->place.segment != number) break;
    ids.push_back(id);
  }
  if (auto dropped = drop_batches(ids, LossReason::spool_full); !dropped) return dropped;
  if (auto synced = sync(); !synced) return synced;
  move_cursor();
  segments.remove_one(number);
  // A name that came back after a power loss would bring batches back that were declared lost.
  return segments.sync_names();
}

Result<void> Spool::Impl::drop_batches(const std::vector<std::uint64_t>& ids, LossReason reason) {
  if (ids.empty()) return {};
  DropList wanted = drops;
  for (const std::uint64_t id : ids) {
    const IndexedBatch& batch = *index.find(id);
    wanted.add({{}, {}, batch.stream, {batch.seq, batch.seq}, batch.samples, reason});
  }
  for (PendingDrop& drop : wanted.all()) {
    if (drop.place.segment != 0) continue;
    const auto place = write_drop(drop);
    if (!place) return place.error();
    drop.place = *place;
  }
  if (auto synced = sync(); !synced) return synced;
  drops = std::move(wanted);
  drops.note_synced();
  for (const std::uint64_t id : ids) settle_dropped(id, reason);
  return {};
}

void Spool::Impl::drop_in_memory(std::uint64_t id, LossReason reason) {
  const IndexedBatch& batch = *index.find(id);
  drops.add({{}, {}, batch.stream, {batch.seq, batch.seq}, batch.samples, reason});
  settle_dropped(id, reason);
}

void Spool::Impl::settle_dropped(std::uint64_t id, LossReason reason) {
  count_drop(reason, 1, index.find(id)->samples);
  settle(id);
}

void Spool::Impl::bound_memory() {
  const auto sum = [&] {
    std::uint64_t bytes = 0;
    for (const HeldBatch& batch : held.batches()) bytes += is_in_memory(batch.id) ? batch.payload.size() : 0;
    return bytes;
  };
  for (std::uint64_t bytes = sum(); bytes > kMemoryBytes;) {
    const auto& batches = held.batches();
    const auto oldest = std::find_if(batches.begin(), batches.end(),
                                     [&](const HeldBatch& batch) { return is_in_memory(batch.id); });
    bytes -= oldest->payload.size();
    drop_in_memory(oldest->id, LossReason::spool_full);
  }
}

void Spool::Impl::drop_expired() {
  const std::int64_t max_age_ms = options.max_age.count();
  if (index.waiting() == 0 || age_ms(*index.find(index.oldest())) <= max_age_ms) return;
  std::vector<std::uint64_t> ids;
  for (std::uint64_t id = index.oldest(); id < index.end(); ++id) {
    const IndexedBatch* const batch = index.find(id);
    if (batch == nullptr) continue;
    if (age_ms(*batch) <= max_age_ms - max_age_ms / kAgeParts || is_in_memory(id)) break;
    ids.push_back(id);
  }
  if (auto dropped = drop_batches(ids, LossReason::too_old)) {
    move_cursor();
  } else {
    fail(clock.mono_ns(), dropped.error());
  }
}

void Spool::Impl::count_drop(LossReason reason, std::uint64_t batches, std::uint64_t samples) {
  const auto which = static_cast<std::size_t>(reason);
  counters.dropped_batches[which] += batches;
  counters.dropped_samples[which] += samples;
}

}  // namespace sysmon
