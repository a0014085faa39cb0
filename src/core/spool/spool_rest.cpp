// What the disk did not give at the start: no descriptor was left, no memory, or it failed for a while.
#include <algorithm>

#include "core/spool/spool_impl.hpp"

namespace sysmon {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kFirstWait = kSecond;
constexpr std::int64_t kLongestWait =
    300 * kSecond;  // a disk that is broken may take half a minute to say so

}  // namespace

void Spool::Impl::begin_rest(bool is_anything_found) {
  CursorPosition from = rest->from();
  from.segment = std::max<std::uint64_t>(from.segment, 1);
  if (is_anything_found) found_from = from;
  if (rest->is_whole()) {
    rest.reset();
    return;
  }
  rest_from = from;
  const std::int64_t now_ns = clock.mono_ns();
  rest_wait_ns = kFirstWait;
  rest_due_ns = now_ns + rest_wait_ns;
  rest_end_ns = now_ns + options.max_age.count() * 1'000'000;
}

void Spool::Impl::read_rest(std::int64_t now_ns) {
  if (now_ns >= rest_end_ns) {  // all of it was sealed before the start
    log(LogLevel::warning,
        "files of the spool that the disk never gave are given up: what is in them is too old");
    give_up_missing();
    return end_rest();
  }
  rest_wait_ns = std::min(rest_wait_ns * 2, kLongestWait);
  rest_due_ns = std::min(now_ns + rest_wait_ns, rest_end_ns);
  // What lies behind the last sync may have to be written anew into other segments: found ones must not be among them.
  if (auto synced = sync(); !synced) return fail(now_ns, synced.error());
  adopt_rest(rest->read_rest([&](std::uint64_t number) { return segments.is_ours(number); }));
  if (!rest->is_whole()) {
    if (!rest_from) give_up_missing();
    return;
  }
  log(LogLevel::info, "the disk has given all of the spool's files");
  end_rest();
}

void Spool::Impl::adopt_rest(const Recovered& found) {
  for (const std::uint64_t number : found.stale) (void)files.remove(segment_name(number));
  if (!found.segments.empty()) {
    segments.adopt_late(found.segments);
    unsynced_from = segments.end();
  }
  for (const FoundDrop& before : found.resealed) {
    const std::uint64_t id =
        index.find_number(index.stream_number(before.drop.stream), before.drop.range.first);
    if (id != 0 && index.find(id)->place < before.place) settle(id);
  }
  if (!found.batches.empty()) {
    std::vector<IndexedBatch> batches;
    batches.reserve(found.batches.size());
    for (const FoundBatch& batch : found.batches) batches.push_back(indexed(batch));
    index.insert(batches, [&](std::uint64_t from, std::uint64_t to) { held.renumber(from, to); });
    read_failures = 0;  // they are of an id
    counters.recovered_batches += batches.size();
  }
  adopt(found.drops);
  counters.corrupt_records += found.damage.size();
  say_damage(found.damage, log);
  if (!found.segments.empty()) sync_found();
}

void Spool::Impl::give_up_missing() {
  adopt(rest->give_up_missing().drops);
  rest_from.reset();
}

void Spool::Impl::end_rest() {
  if (found_due_ns != INT64_MAX && rest_from) found_from = rest_from;
  rest.reset();
  rest_from.reset();
  rest_due_ns = INT64_MAX;
  write_waiting(clock.mono_ns());
  move_cursor();
}

}  // namespace sysmon
