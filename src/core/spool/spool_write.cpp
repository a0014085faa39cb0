#include <algorithm>

#include "core/spool/spool_impl.hpp"

namespace sysmon {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kSyncAfter = kSecond;   // what is acknowledged before is never synced
constexpr std::int64_t kRetryAfter = kSecond;  // a disk that took nothing is asked again
constexpr std::uint64_t kSegmentBytes = 1U << 20U;
constexpr std::uint64_t kLeastSegments = 8;  // so that a full spool loses an eighth at a time, not all

}  // namespace

void Spool::Impl::write_waiting(std::int64_t now_ns) {
  if (!is_failing || now_ns >= retry_ns) {
    if (auto written = try_write_waiting(); !written) fail(now_ns, written.error());
  }
  bound_memory();
}

Result<void> Spool::Impl::try_write_waiting() {
  bool has_written = false;
  for (PendingDrop& drop : drops.all()) {
    if (drop.place.segment != 0) continue;
    const auto place = write_drop(drop);
    if (!place) return place.error();
    drop.place = *place;
    has_written = true;
  }
  // Looked for anew each time: making room may take others out.
  const auto next = [&] {
    const auto& batches = held.batches();
    const auto found = std::find_if(batches.begin(), batches.end(),
                                    [&](const HeldBatch& batch) { return is_in_memory(batch.id); });
    return found == batches.end() ? 0 : found->id;
  };
  for (std::uint64_t id = next(); id != 0; id = next()) {
    if (auto written = write_batch(id); !written) return written;
    has_written = true;
  }
  held_again_from.reset();
  segments.remove_abandoned();
  if (has_written && options.sync == SpoolSync::always) {
    if (auto synced = sync(); !synced) return synced;
  }
  if (has_written && is_failing) {
    is_failing = false;
    log(LogLevel::info, "the spool's disk takes batches again");
  }
  return {};
}

Result<void> Spool::Impl::write_batch(std::uint64_t id) {
  if (auto room = make_room(index.find(id)->place.bytes); !room) return room;
  IndexedBatch& batch = *index.find(id);
  record_bytes.clear();
  append_record(record_bytes, record_of(batch, *held.find(id)));
  const auto place = write_record_bytes();
  if (!place) return place.error();
  batch.place = *place;
  batch.is_resealed = false;
  return {};
}

// In one record: killed between two, or torn, the agent would have its batch under both numbers.
Result<std::uint64_t> Spool::Impl::write_resealed(std::uint64_t id, std::uint32_t stream, std::uint64_t seq,
                                                  std::string_view payload) {
  const IndexedBatch old = *index.find(id);
  IndexedBatch anew = old;
  anew.stream = stream;
  anew.seq = seq;
  anew.is_resealed = true;
  Record record = record_of(anew, payload);
  record.kind = anew.is_gzip ? RecordKind::gzip_resealed : RecordKind::plain_resealed;
  record.before = {index.stream_id(old.stream), old.seq};
  record_bytes.clear();
  append_record(record_bytes, record);
  const auto place = write_record_bytes();
  if (!place) return place.error();
  anew.place = *place;
  last_stream = index.stream_id(stream);
  last_seq = seq;
  return index.add(anew);
}

Result<RecordPlace> Spool::Impl::write_drop(const PendingDrop& drop) {
  const Drop said{index.stream_id(drop.stream), drop.range, drop.samples, drop.reason};
  const std::string payload = encode_drop(said);
  Record record;
  record.kind = RecordKind::drop;
  record.stream = said.stream;
  record.seq = drop.range.first;
  record.ts_first = clock.wall_ms();
  record.boot_id = boot_id;
  record.boottime_ms = clock.boottime_ms();
  record.payload = payload;
  record_bytes.clear();
  append_record(record_bytes, record);
  return write_record_bytes();
}

Result<RecordPlace> Spool::Impl::write_record_bytes() {
  return segments.append(record_bytes,
                         std::clamp<std::uint64_t>(options.max_bytes / kLeastSegments, 1, kSegmentBytes));
}

Record Spool::Impl::record_of(const IndexedBatch& batch, std::string_view payload) const {
  Record record;
  record.kind = batch.is_gzip ? RecordKind::gzip_batch : RecordKind::plain_batch;
  record.stream = index.stream_id(batch.stream);
  record.seq = batch.seq;
  const std::int64_t age = age_ms(batch);
  record.ts_first = clock.wall_ms() - age;
  record.boot_id = boot_id;
  record.boottime_ms = clock.boottime_ms() - age;
  record.samples = batch.samples;
  record.payload = payload;
  return record;
}

Result<void> Spool::Impl::sync() {
  auto synced = segments.sync();
  if (synced) {
    drops.note_synced();
  } else {
    hold_again();
  }
  held.release_if([&](const HeldBatch& batch) { return !is_in_memory(batch.id); });
  unsynced_from = segments.end();
  return synced;
}

void Spool::Impl::hold_again() {
  for (const HeldBatch& batch : held.batches()) {
    if (IndexedBatch* const entry = index.find(batch.id)) entry->place.segment = 0;
  }
  for (PendingDrop& drop : drops.all()) {
    if (drop.place >= unsynced_from) drop.place.segment = 0;
  }
  if (!held_again_from || unsynced_from < *held_again_from) held_again_from = unsynced_from;
  // Not left behind for good: a disk that writes and cannot sync would fill up.
  segments.abandon_from(unsynced_from.offset == 0 ? unsynced_from.segment : unsynced_from.segment + 1);
}

std::int64_t Spool::Impl::sync_due() const {
  // Those on disk come first. A disk that takes nothing more may still sync what it has.
  if (held.batches().empty() || is_in_memory(held.batches().front().id)) return INT64_MAX;
  return held.batches().front().since_ns + (options.sync == SpoolSync::always ? 0 : kSyncAfter);
}

void Spool::Impl::fail(std::int64_t now_ns, const Error& error) {
  retry_ns = now_ns + kRetryAfter;
  if (is_failing) return;
  is_failing = true;
  log(LogLevel::warning,
      "the spool cannot be written, the newest batches are kept in memory: " + error.message());
}

bool Spool::Impl::is_in_memory(std::uint64_t id) const {
  const IndexedBatch* const batch = index.find(id);
  return batch != nullptr && batch->place.segment == 0;
}

}  // namespace sysmon
