#include "sysmon/spool.hpp"

#include <algorithm>
#include <optional>

#include "core/spool/attempts.hpp"
#include "core/spool/spool_impl.hpp"

namespace sysmon {
namespace {

constexpr std::int64_t kAgeCheck = 60'000'000'000;
constexpr std::int64_t kFoundRetry = 1'000'000'000;

}  // namespace

Spool::Impl::Impl(Files& the_files, const Clock& the_clock, SpoolOptions given, Log the_log)
    : files(the_files),
      clock(the_clock),
      options(std::move(given)),
      log(std::move(the_log)),
      boot_id(parse_id128(options.boot_id)),
      segments(files),
      quarantine(files) {
  recover();
}

void Spool::Impl::recover() {
  cursor.recover(files);
  rest.emplace(files, cursor);
  Recovered found = rest->read();
  for (const std::uint64_t number : found.stale) (void)files.remove(segment_name(number));
  if (found.torn_bytes > 0 && found.is_last_whole) {
    const SegmentFile& last = found.segments.back();
    auto file = files.open(segment_name(last.number), OpenMode::write);
    found.is_last_whole = file && (*file)->truncate(last.bytes);
  }
  for (const FoundBatch& batch : found.batches) index.add(indexed(batch));
  counters.recovered_batches += found.batches.size();
  adopt(found.drops);
  segments.adopt(found.segments, found.next_number, found.is_last_whole);
  unsynced_from = segments.end();
  begin_rest(!found.batches.empty() || !found.drops.empty());
  sync_found();
  counters.corrupt_records = found.damage.size();
  say_damage(found.damage, log);
  write_waiting(clock.mono_ns());
  move_cursor();
}

void Spool::Impl::say_damage(const std::vector<DamagedPlace>& damage, const Log& log) {
  const auto unread = static_cast<std::size_t>(std::ranges::count(damage, 0U, &DamagedPlace::bytes));
  if (unread > 0) {  // no descriptor left, no memory, a disk that fails: the bytes may be as they were
    log(LogLevel::warning, "files of the spool that the disk does not give: " + std::to_string(unread) +
                               "; they are asked for again");
  }
  if (const std::size_t damaged = damage.size() - unread; damaged > 0) {
    log(LogLevel::warning, "the spool was damaged in " + std::to_string(damaged) +
                               " places; what was lost there is declared to the aggregator");
  }
}

void Spool::Impl::sync_found() {
  const bool is_needed = index.waiting() > 0 || !drops.all().empty();
  if (is_needed) {
    const auto refused = segments.sync_found();
    for (PendingDrop& drop : drops.all()) {
      if (std::ranges::count(refused, drop.place.segment) > 0) drop.place = drop.safe_place = {};
    }
  }
  const bool is_done = is_found_safe();
  found_due_ns = is_done ? INT64_MAX : clock.mono_ns() + kFoundRetry;
  if (is_done || !is_needed) found_from.reset();
}

bool Spool::Impl::is_found_safe() {
  if (!segments.is_found_synced()) return false;
  const auto is_unsafe = [](const PendingDrop& drop) { return drop.safe_place.segment == 0; };
  if (std::ranges::any_of(drops.all(), is_unsafe)) {
    write_waiting(clock.mono_ns());
    const bool is_written =
        std::ranges::none_of(drops.all(), [](const PendingDrop& drop) { return drop.place.segment == 0; });
    if (!is_written) return false;
    if (auto synced = sync(); !synced) {
      fail(clock.mono_ns(), synced.error());
      return false;
    }
  }
  return segments.sync_names().ok();
}

void Spool::Impl::adopt(const std::vector<FoundDrop>& found) {
  for (const FoundDrop& drop : found) {
    const bool is_new = drop.place.segment == 0;
    drops.all().push_back({drop.place, drop.place, index.stream_number(drop.drop.stream), drop.drop.range,
                           drop.drop.samples, drop.drop.reason});
    if (!is_new) continue;
    const std::uint64_t batches = drop.drop.range.last - drop.drop.range.first + 1;
    count_drop(drop.drop.reason, batches, 0);
    counters.recovered_batches += batches;
  }
}

IndexedBatch Spool::Impl::indexed(const FoundBatch& found) {
  const Record& record = found.record;
  IndexedBatch batch;
  batch.place = found.place;
  batch.seq = record.seq;
  batch.is_this_boot = record.boot_id == boot_id && boot_id != Id128{};
  batch.sealed_ms = batch.is_this_boot ? record.boottime_ms : record.ts_first;
  batch.samples = record.samples;
  batch.stream = index.stream_number(record.stream);
  batch.is_gzip = record.is_gzip();
  batch.is_resealed = record.is_resealed();
  return batch;
}

void Spool::Impl::append(IndexedBatch batch, std::string_view payload) {
  batch.place = {0, 0, static_cast<std::uint32_t>(kRecordHeaderBytes + payload.size())};
  last_stream = index.stream_id(batch.stream);
  last_seq = batch.seq;
  const std::uint64_t id = index.add(batch);
  const std::int64_t now_ns = clock.mono_ns();
  if (payload.size() > kMaxPayloadBytes) {  // the aggregator would not take it
    drop_in_memory(id, LossReason::quarantined);
  } else {
    held.hold(id, now_ns, payload);
  }
  write_waiting(now_ns);
}

void Spool::Impl::settle(std::uint64_t id) {
  index.settle(id);
  held.release(id);
}

void Spool::Impl::move_cursor() {
  CursorPosition to;
  std::optional<RecordPlace> oldest;
  if (index.waiting() > 0) {
    // Places ascend with ids, and what is in memory comes last.
    const IndexedBatch& batch = *index.find(index.oldest());
    if (batch.place.segment != 0) oldest = batch.place;
    to.stream = index.stream_id(batch.stream);
    to.seq = batch.seq;
  } else if (last_seq > 0) {
    to.stream = last_stream;
    to.seq = last_seq + 1;
  }
  for (const PendingDrop& drop : drops.all()) {
    const RecordPlace& needed = drop.safe_place.segment != 0 ? drop.safe_place : drop.place;
    if (needed.segment == 0 || (oldest && needed > *oldest)) continue;
    oldest = needed;
    to.stream = {};
    to.seq = 0;
  }
  if (held_again_from && (!oldest || *held_again_from < *oldest)) {
    oldest = held_again_from;
    to.stream = {};
    to.seq = 0;
  }
  if (rest && (!oldest || rest->first_unread() < oldest->segment)) {
    oldest = {rest->first_unread(), 0, 0};
    to.stream = {};
    to.seq = 0;
  }
  const RecordPlace at = oldest ? *oldest : segments.end();
  to.segment = at.segment;
  to.offset = at.offset;
  if (found_from) to = *found_from;
  if (rest_from) to = *rest_from;
  cursor.move(files, to);
  segments.remove_before(to.segment);
}

std::int64_t Spool::Impl::age_ms(const IndexedBatch& batch) const {
  const std::int64_t now_ms = batch.is_this_boot ? clock.boottime_ms() : clock.wall_ms();
  return std::max<std::int64_t>(0, now_ms - batch.sealed_ms);
}

SpooledBatch Spool::Impl::describe(std::uint64_t id, const IndexedBatch& batch) const {
  return {id,           index.stream_text(batch.stream), batch.seq, batch.samples, batch.payload_bytes(),
          batch.is_gzip};
}

Result<void> Spool::Impl::read_from_disk(const IndexedBatch& batch, std::string& out) {
  const auto bytes = segments.read(batch.place);
  if (!bytes) return bytes.error();
  const auto record = parse_record(*bytes);
  if (!record || record->stream != index.stream_id(batch.stream) || record->seq != batch.seq) {
    return Error::malformed(segment_name(batch.place.segment),
                            "no longer holds batch " + std::to_string(batch.seq));
  }
  out += record->payload;
  return {};
}

Spool::Spool(Files& files, const Clock& clock, SpoolOptions options, Log log)
    : impl_(std::make_unique<Impl>(files, clock, std::move(options), std::move(log))) {}

Spool::~Spool() = default;

void Spool::set_options(SpoolOptions options) { impl_->options = std::move(options); }

void Spool::append(std::string_view stream, std::uint64_t seq, std::uint32_t samples,
                   std::string_view payload, bool is_gzip) {
  IndexedBatch batch;
  batch.seq = seq;
  batch.is_this_boot = impl_->boot_id != Id128{};
  batch.sealed_ms = batch.is_this_boot ? impl_->clock.boottime_ms() : impl_->clock.wall_ms();
  batch.samples = samples;
  batch.stream = impl_->index.stream_number(parse_id128(stream));
  batch.is_gzip = is_gzip;
  impl_->append(batch, payload);
}

std::int64_t Spool::sync_if_due(std::int64_t now_ns) {
  if (now_ns >= impl_->sync_due()) sync_now(now_ns);
  return impl_->sync_due();
}

void Spool::sync_now(std::int64_t now_ns) {
  Impl& impl = *impl_;
  if (impl.sync_due() == INT64_MAX) return;
  if (auto synced = impl.sync(); !synced) impl.fail(now_ns, synced.error());
}

std::int64_t Spool::maintain(std::int64_t now_ns) {
  Impl& impl = *impl_;
  if (impl.is_failing && now_ns >= impl.retry_ns) impl.write_waiting(now_ns);
  if (now_ns >= impl.found_due_ns) {
    impl.sync_found();
    impl.move_cursor();
  }
  if (now_ns >= impl.rest_due_ns) impl.read_rest(now_ns);
  (void)sync_if_due(now_ns);
  if (now_ns >= impl.age_due_ns) {
    impl.drop_expired();
    impl.age_due_ns = now_ns + std::min(kAgeCheck, impl.options.max_age.count() * 1'000'000 / 64);
  }
  const std::int64_t next = empty() ? INT64_MAX : impl.age_due_ns;
  const std::int64_t retry = impl.is_failing && !impl.held.batches().empty() ? impl.retry_ns : INT64_MAX;
  return std::min({next, retry, impl.sync_due(), impl.found_due_ns, impl.rest_due_ns});
}

std::size_t Spool::size() const { return impl_->index.waiting(); }
std::uint64_t Spool::payload_bytes() const { return impl_->index.payload_bytes(); }

SpooledBatch Spool::oldest() const {
  const std::uint64_t id = impl_->index.oldest();
  return impl_->describe(id, *impl_->index.find(id));
}

SpooledBatch Spool::newest() const {
  const std::uint64_t id = impl_->index.newest();
  return impl_->describe(id, *impl_->index.find(id));
}

std::int64_t Spool::oldest_age_ms() const {
  return empty() ? 0 : impl_->age_ms(*impl_->index.find(impl_->index.oldest()));
}

void Spool::bundle(std::uint64_t last_id, const BundleLimits& limits, std::vector<SpooledBatch>& out) const {
  out.clear();
  if (empty()) return;
  std::uint64_t samples = 0;
  std::uint64_t bytes = 0;
  const std::uint64_t first_id = impl_->index.oldest();
  for (std::uint64_t id = first_id; id <= last_id && out.size() < limits.batches; ++id) {
    const IndexedBatch* const batch = impl_->index.find(id);
    if (batch == nullptr) break;  // something between was acknowledged
    const SpooledBatch next = impl_->describe(id, *batch);
    samples += next.samples;
    bytes += next.bytes;
    if (!out.empty()) {
      const SpooledBatch& before = out.back();
      if (next.stream != before.stream || next.seq != before.seq + 1) break;
      if (!next.is_gzip || !before.is_gzip) break;
      if (samples > limits.samples || bytes > limits.bytes) break;
    }
    out.push_back(next);
  }
}

Result<void> Spool::read(std::uint64_t id, std::string& out) {
  Impl& impl = *impl_;
  if (const std::string* payload = impl.held.find(id)) {
    out += *payload;
    return {};
  }
  auto outcome = impl.read_from_disk(*impl.index.find(id), out);
  if (outcome) {
    impl.read_failures = 0;
    return outcome;
  }
  impl.read_failures = impl.unreadable_id == id ? impl.read_failures + 1 : 1;
  impl.unreadable_id = id;
  // A read that failed may succeed later; bytes that are others will not become right.
  if (outcome.error().kind != Error::Kind::io || impl.read_failures >= kReadAttempts) {
    ++impl.counters.corrupt_records;
    if (auto dropped = impl.drop_batches({id}, LossReason::corrupt)) {
      impl.move_cursor();
    } else {
      impl.fail(impl.clock.mono_ns(), dropped.error());
    }
  }
  return outcome;
}

void Spool::acknowledge(std::span<const SpooledBatch> batches) {
  for (const SpooledBatch& batch : batches) impl_->settle(batch.id);
  impl_->move_cursor();
}

Result<void> Spool::quarantine(std::uint64_t id) {
  Impl& impl = *impl_;
  std::string payload;
  if (auto taken = read(id, payload); !taken) return taken;
  std::string record;
  append_record(record, impl.record_of(*impl.index.find(id), payload));
  impl.quarantine.add(record);
  if (impl.is_in_memory(id)) {
    impl.drop_in_memory(id, LossReason::quarantined);
    impl.write_waiting(impl.clock.mono_ns());
  } else if (auto dropped = impl.drop_batches({id}, LossReason::quarantined); !dropped) {
    impl.fail(impl.clock.mono_ns(), dropped.error());
    return dropped;
  }
  impl.move_cursor();
  return {};
}

bool Spool::takes_batches() const { return !impl_->is_failing; }

Result<void> Spool::reseal(std::uint64_t id, std::string_view stream, std::uint64_t seq) {
  Impl& impl = *impl_;
  const std::uint32_t stream_number = impl.index.stream_number(parse_id128(stream));
  // Nothing will come under the new number, and whoever waits for it is told.
  const auto leave_out = [&] { impl.drops.add({{}, {}, stream_number, {seq, seq}, 0, LossReason::corrupt}); };
  const auto fail = [&](const Error& error) {
    leave_out();
    impl.fail(impl.clock.mono_ns(), error);
    return error;
  };
  std::string payload;
  if (auto taken = read(id, payload); !taken) {
    leave_out();
    return taken;
  }
  if (auto room = impl.make_room(kRecordHeaderBytes + kNumberBytes + payload.size()); !room)
    return fail(room.error());
  if (impl.index.find(id) == nullptr) {  // the oldest went for room, declared
    leave_out();
    return {};
  }
  const auto written = impl.write_resealed(id, stream_number, seq, payload);
  if (!written) return fail(written.error());
  impl.held.hold(*written, impl.clock.mono_ns(), payload);
  // The old record goes once the new one is safe. Else both wait: the old one is refused and sealed again, and the
  // aggregator answers a sample once, whatever its batch is called.
  if (auto synced = impl.sync(); !synced) {
    impl.fail(impl.clock.mono_ns(), synced.error());
    return synced;
  }
  impl.settle(id);
  impl.move_cursor();
  return {};
}

std::size_t Spool::drops() const { return impl_->drops.all().size(); }

DeclaredDrop Spool::drop(std::size_t index) const {
  const PendingDrop& drop = impl_->drops.all()[index];
  return {impl_->index.stream_text(drop.stream), drop.range, drop.samples, drop.reason};
}

void Spool::forget_drops(std::string_view stream, std::size_t count) {
  impl_->drops.forget(impl_->index.stream_number(parse_id128(stream)), count);
  impl_->move_cursor();
}

const SpoolCounters& Spool::counters() const { return impl_->counters; }

bool Spool::is_whole() const { return !impl_->rest; }

}  // namespace sysmon
