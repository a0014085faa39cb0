// Spool: sealed batches that no reply has acknowledged yet, oldest first, on disk (docs/formats/spool.md).
//
// It outlives the process: what is not acknowledged is there after the next start, under the stream and number
// it was sealed with. What does not fit any more, is too old, or will never be taken is dropped and written
// down, so that the aggregator can be told which numbers will never come. Nothing that a disk can do is an error
// here: while it takes nothing, the newest batches are kept in memory (1 MiB), and go to disk once it does.
//
// Not thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sysmon/agent_config.hpp"
#include "sysmon/clock.hpp"
#include "sysmon/log.hpp"
#include "sysmon/loss_reason.hpp"
#include "sysmon/result.hpp"
#include "sysmon/seq_range.hpp"
#include "sysmon/state_files.hpp"

namespace sysmon {

struct SpoolOptions {
  std::uint64_t max_bytes = 64U << 20U;
  std::chrono::milliseconds max_age{std::chrono::hours{24 * 7}};
  // deferred: what is acknowledged within a second is never synced, so a healthy host's disk is left alone;
  // a power loss may take the last second. always: synced before it is sent.
  SpoolSync sync = SpoolSync::deferred;
  std::string boot_id{};  // ages within one boot come from CLOCK_BOOTTIME
};

// A batch that waits. `id` grows with every batch, whatever its stream; the views live until the next call. Where
// SpoolCounters::recovered_batches grows, every batch has another id than before.
struct SpooledBatch {
  std::uint64_t id = 0;
  std::string_view stream;  // 32 hexadecimal digits
  std::uint64_t seq = 0;
  std::uint32_t samples = 0;
  std::uint64_t bytes = 0;  // of the payload
  bool is_gzip = true;
};

// Numbers that will never come, until a reply has acknowledged the request that said so.
struct DeclaredDrop {
  std::string_view stream;
  SeqRange range;
  std::uint64_t samples = 0;  // 0: nobody knows
  LossReason reason = LossReason::spool_full;
};

// What a bundle may hold (docs/formats/wire.md).
struct BundleLimits {
  std::size_t batches = 64;
  std::uint64_t samples = 20'000;
  std::uint64_t bytes = 1U << 20U;
};

// Since the start.
struct SpoolCounters {
  std::array<std::uint64_t, kLossReasons> dropped_batches{};
  std::array<std::uint64_t, kLossReasons> dropped_samples{};
  std::uint64_t corrupt_records = 0;    // places where something was skipped
  std::uint64_t recovered_batches = 0;  // of earlier runs: found waiting, or found lost
};

class Spool {
 public:
  // Recovers what is there. The references must outlive the spool.
  Spool(Files& files, const Clock& clock, SpoolOptions options, Log log);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  void set_options(SpoolOptions options);

  // Seals a batch. REQUIRES: `seq` is above every seq of this stream before.
  void append(std::string_view stream, std::uint64_t seq, std::uint32_t samples, std::string_view payload,
              bool is_gzip);
  // Syncs what has waited for a second; monotonic when the next sync is due, INT64_MAX: nothing waits for one. For a
  // thread that waits for something else: no batch comes or goes.
  std::int64_t sync_if_due(std::int64_t now_ns);
  // Likewise, at once: for a thread that is about to wait.
  void sync_now(std::int64_t now_ns);
  // Syncs what has waited for a second, drops what is too old, writes what could not be written before.
  // Returns the monotonic time at which it wants to be called again.
  std::int64_t maintain(std::int64_t now_ns);

  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::size_t size() const;             // batches
  [[nodiscard]] std::uint64_t payload_bytes() const;  // of these
  [[nodiscard]] SpooledBatch oldest() const;          // REQUIRES: not empty
  [[nodiscard]] SpooledBatch newest() const;          // REQUIRES: not empty
  [[nodiscard]] std::int64_t oldest_age_ms() const;   // 0 where it is empty
  // The oldest that make the next bundle: contiguous, of one stream, up to `last_id`, within the limits, and
  // gzipped, for only gzip has members. At least one where there is one up to `last_id`.
  void bundle(std::uint64_t last_id, const BundleLimits& limits, std::vector<SpooledBatch>& out) const;

  // Appends the bytes of a batch to `out`.
  // Error: the disk does not give them; what is plainly gone is dropped (corrupt) with this call.
  [[nodiscard]] Result<void> read(std::uint64_t id, std::string& out);

  void acknowledge(std::span<const SpooledBatch> batches);
  // Takes out what the aggregator will never accept; its bytes are kept apart, 1 MiB of them.
  // Error: the loss cannot be written down at present, so the batch stays.
  [[nodiscard]] Result<void> quarantine(std::uint64_t id);
  // The disk took what it was last given, and nothing waits in memory for it. A batch may be appended even if not; it may not be resealed.
  [[nodiscard]] bool takes_batches() const;
  // Seals the same bytes under another number, because the old one is taken by other bytes. In a full spool the batch
  // may be given up instead, declared. REQUIRES: takes_batches().
  // Error: that cannot be written down at present, so the batch stays as it is; the number is declared lost, or has
  // the batch as well.
  [[nodiscard]] Result<void> reseal(std::uint64_t id, std::string_view stream, std::uint64_t seq);

  // The oldest first.
  [[nodiscard]] std::size_t drops() const;
  [[nodiscard]] DeclaredDrop drop(std::size_t index) const;
  // A reply has acknowledged the request that declared the first `count` drops of this stream.
  void forget_drops(std::string_view stream, std::size_t count);

  [[nodiscard]] const SpoolCounters& counters() const;
  // Everything that was there at the start has been read. What the disk did not give is asked for again by maintain:
  // after a second, and ever more seldom up to five minutes, until it is older than max_age.
  [[nodiscard]] bool is_whole() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sysmon
