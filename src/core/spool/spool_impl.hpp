// The spool's parts put together: spool.cpp settles and answers, spool_write.cpp gets things onto the disk,
// spool_drop.cpp gives them up, spool_rest.cpp asks again for what could not be read.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/spool/batch_index.hpp"
#include "core/spool/cursor.hpp"
#include "core/spool/drop_list.hpp"
#include "core/spool/held_batches.hpp"
#include "core/spool/quarantine.hpp"
#include "core/spool/record.hpp"
#include "core/spool/recovery.hpp"
#include "core/spool/segment_log.hpp"
#include "sysmon/spool.hpp"

namespace sysmon {

struct Spool::Impl {
  Impl(Files& the_files, const Clock& the_clock, SpoolOptions given, Log the_log);

  // ---- spool.cpp ----
  void recover();
  static void say_damage(const std::vector<DamagedPlace>& damage, const Log& log);
  // What was found at the start survives a power loss from here on; a drop that would not is written anew.
  void sync_found();
  [[nodiscard]] bool is_found_safe();
  [[nodiscard]] IndexedBatch indexed(const FoundBatch& found);
  void adopt(const std::vector<FoundDrop>& found);
  void append(IndexedBatch batch, std::string_view payload);
  void settle(std::uint64_t id);
  // To the oldest record that is still needed, or to where the next one will lie. What lies before is deleted.
  void move_cursor();
  [[nodiscard]] std::int64_t age_ms(const IndexedBatch& batch) const;
  [[nodiscard]] SpooledBatch describe(std::uint64_t id, const IndexedBatch& batch) const;
  [[nodiscard]] Result<void> read_from_disk(const IndexedBatch& batch, std::string& out);

  // ---- spool_rest.cpp ----
  // What the disk did not give at the start is asked for again, until it is too old to be sent.
  void begin_rest(bool is_anything_found);
  void read_rest(std::int64_t now_ns);
  void adopt_rest(const Recovered& found);
  // What is missing is declared now, because what would show it to the next start goes.
  void give_up_missing();
  // Nothing is left to be read, or to be waited for.
  void end_rest();

  // ---- spool_write.cpp ----
  // Everything that is in memory only goes to disk, in order; what has no room there stays within the bound.
  void write_waiting(std::int64_t now_ns);
  [[nodiscard]] Result<void> try_write_waiting();
  [[nodiscard]] Result<void> write_batch(std::uint64_t id);
  // The batch under its new number, and that the old one is settled; the id of the former.
  [[nodiscard]] Result<std::uint64_t> write_resealed(std::uint64_t id, std::uint32_t stream,
                                                     std::uint64_t seq, std::string_view payload);
  [[nodiscard]] Result<RecordPlace> write_drop(const PendingDrop& drop);
  [[nodiscard]] Result<RecordPlace> write_record_bytes();
  [[nodiscard]] Record record_of(const IndexedBatch& batch, std::string_view payload) const;
  // What the sync failed on is only in memory from here on, and written anew into another segment.
  [[nodiscard]] Result<void> sync();
  void hold_again();
  // Monotonic; INT64_MAX: nothing waits for a sync.
  [[nodiscard]] std::int64_t sync_due() const;
  void fail(std::int64_t now_ns, const Error& error);
  [[nodiscard]] bool is_in_memory(std::uint64_t id) const;

  // ---- spool_drop.cpp ----
  // Makes room on disk for `more` bytes: the oldest segment goes, declared. Error: that could not be written
  // down, so it stays.
  [[nodiscard]] Result<void> make_room(std::uint64_t more);
  [[nodiscard]] Result<void> drop_segment(std::uint64_t number);
  // Declares these batches lost, on disk before they are gone. Error: they stay. REQUIRES: ascending.
  [[nodiscard]] Result<void> drop_batches(const std::vector<std::uint64_t>& ids, LossReason reason);
  // The same of batches that never were on disk.
  void drop_in_memory(std::uint64_t id, LossReason reason);
  void settle_dropped(std::uint64_t id, LossReason reason);
  void bound_memory();
  void drop_expired();
  void count_drop(LossReason reason, std::uint64_t batches, std::uint64_t samples);

  Files& files;
  const Clock& clock;
  SpoolOptions options;
  Log log;
  Id128 boot_id;
  SegmentLog segments;
  Cursor cursor;
  BatchIndex index;
  HeldBatches held;
  DropList drops;
  Quarantine quarantine;
  SpoolCounters counters;
  RecordPlace unsynced_from;  // what lies before survives a power loss
  // Where the first of what a failed sync has put back into memory lies, until all of it is written anew: a process
  // that is killed before that finds it there.
  std::optional<RecordPlace> held_again_from;
  std::optional<Recovery> rest;  // there while the disk has not given everything that was there at the start
  // The cursor stays there meanwhile: a start finds from there what this one has found, and misses what this one has
  // missed. None once that was declared.
  std::optional<CursorPosition> rest_from;
  std::int64_t rest_due_ns = INT64_MAX;
  std::int64_t rest_wait_ns = 0;
  std::int64_t rest_end_ns = 0;
  Id128 last_stream{};  // of the newest batch
  std::uint64_t last_seq = 0;
  bool is_failing = false;    // the disk took nothing at the last attempt
  std::int64_t retry_ns = 0;  // and is asked again then
  std::int64_t age_due_ns = 0;
  std::int64_t found_due_ns = INT64_MAX;  // what was found at the start is to be synced then
  // The cursor stays there until that is done: what lies behind it may be settled only by what a power loss can take.
  std::optional<CursorPosition> found_from;
  std::uint64_t unreadable_id = 0;
  int read_failures = 0;  // of that one, in a row
  std::string record_bytes;
};

}  // namespace sysmon
