// SendQueue: sealed batches that no reply has acknowledged yet, oldest first, within a bound of bytes and
// age.
//
// What does not fit is dropped from the old end and written down, so that the aggregator can be told which
// numbers will never come. Payload buffers are handed round: a queue that stays short allocates nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/push_reply.hpp"
#include "sysmon/loss_reason.hpp"

namespace sysmon {

struct SealedBatch {
  std::uint64_t seq = 0;
  std::int64_t sealed_ns = 0;  // monotonic
  std::uint32_t samples = 0;
  bool is_gzip = true;
  std::string payload;  // the body as it is sent; never changes
};

// Numbers that will never come, until a reply has acknowledged the request that said so.
struct DropRecord {
  SeqRange range;
  std::uint64_t samples = 0;
  LossReason reason = LossReason::spool_full;
};

// What a bundle may hold (docs/formats/wire.md).
struct BundleLimits {
  std::size_t batches = 64;
  std::uint64_t samples = 20'000;
  std::size_t bytes = 1U << 20U;
};

class SendQueue {
 public:
  SendQueue(std::uint64_t max_bytes, std::chrono::nanoseconds max_age)
      : max_bytes_(max_bytes), max_age_(max_age) {}

  void set_bounds(std::uint64_t max_bytes, std::chrono::nanoseconds max_age);

  // Adds the next batch; the oldest make room for it. REQUIRES: seq is above every seq seen.
  void push(std::uint64_t seq, std::int64_t now_ns, std::uint32_t samples, std::string_view payload,
            bool is_gzip);
  void drop_expired(std::int64_t now_ns);

  // Takes an acknowledged range out and returns how many samples it held.
  std::uint64_t acknowledge(SeqRange range);
  // Takes out what the aggregator will never accept.
  void quarantine(std::uint64_t seq);
  // Numbers everything anew from 1 and forgets the drops of the stream that ends; returns the next free
  // number.
  std::uint64_t renumber();

  // Oldest first.
  [[nodiscard]] const std::vector<SealedBatch>& batches() const { return batches_; }
  // How many of the oldest make the next bundle: contiguous, up to `last_seq`, within the limits, and
  // gzipped, for only gzip has members. At least one batch is always allowed; 0 where there is none up to
  // `last_seq`.
  [[nodiscard]] std::size_t bundle(std::uint64_t last_seq, const BundleLimits& limits) const;

  [[nodiscard]] bool empty() const { return batches_.empty(); }
  [[nodiscard]] std::size_t size() const { return batches_.size(); }
  [[nodiscard]] const SealedBatch& oldest() const { return batches_.front(); }  // REQUIRES: not empty
  [[nodiscard]] const SealedBatch& newest() const { return batches_.back(); }   // REQUIRES: not empty
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  [[nodiscard]] const std::vector<DropRecord>& drops() const { return drops_; }
  void forget_drops(std::size_t count);  // the oldest `count`, which a reply has acknowledged
  // Samples dropped since the start.
  [[nodiscard]] std::uint64_t dropped_samples(LossReason reason) const {
    return dropped_samples_[static_cast<std::size_t>(reason)];
  }

 private:
  void drop(std::size_t index, LossReason reason);
  void remove(std::size_t index);

  std::uint64_t max_bytes_;
  std::chrono::nanoseconds max_age_;
  std::vector<SealedBatch>
      batches_;  // ascending seq; a few thousand at most, so that erasing in front is cheap
  std::vector<std::string> spare_;  // buffers of batches that are gone
  std::uint64_t bytes_ = 0;
  std::vector<DropRecord> drops_;
  std::uint64_t dropped_samples_[kLossReasons] = {};
};

}  // namespace sysmon
