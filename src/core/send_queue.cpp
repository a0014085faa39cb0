#include "core/send_queue.hpp"

#include <algorithm>

namespace sysmon {
namespace {

constexpr std::size_t kSpareBuffers = 4;
constexpr std::uint64_t kOverhead = sizeof(SealedBatch);

std::uint64_t cost_of(const SealedBatch& batch) { return batch.payload.capacity() + kOverhead; }

}  // namespace

void SendQueue::set_bounds(std::uint64_t max_bytes, std::chrono::nanoseconds max_age) {
  max_bytes_ = max_bytes;
  max_age_ = max_age;
}

void SendQueue::push(std::uint64_t seq, std::int64_t now_ns, std::uint32_t samples, std::string_view payload,
                     bool is_gzip) {
  SealedBatch batch;
  batch.seq = seq;
  batch.sealed_ns = now_ns;
  batch.samples = samples;
  batch.is_gzip = is_gzip;
  if (!spare_.empty()) {
    batch.payload = std::move(spare_.back());
    spare_.pop_back();
  }
  batch.payload.assign(payload);
  // The newest always stays, whatever its size: it is what the live view shows.
  while (!batches_.empty() && bytes_ + cost_of(batch) > max_bytes_) drop(0, LossReason::spool_full);
  bytes_ += cost_of(batch);
  batches_.push_back(std::move(batch));
}

void SendQueue::drop_expired(std::int64_t now_ns) {
  while (!batches_.empty() && now_ns - batches_.front().sealed_ns > max_age_.count())
    drop(0, LossReason::too_old);
}

std::uint64_t SendQueue::acknowledge(SeqRange range) {
  std::uint64_t samples = 0;
  for (std::size_t i = 0; i < batches_.size();) {
    if (batches_[i].seq < range.first || batches_[i].seq > range.last) {
      ++i;
      continue;
    }
    samples += batches_[i].samples;
    remove(i);
  }
  return samples;
}

void SendQueue::quarantine(std::uint64_t seq) {
  const auto found = std::find_if(batches_.begin(), batches_.end(),
                                  [&](const SealedBatch& batch) { return batch.seq == seq; });
  if (found != batches_.end())
    drop(static_cast<std::size_t>(found - batches_.begin()), LossReason::quarantined);
}

std::uint64_t SendQueue::renumber() {
  std::uint64_t seq = 1;
  for (SealedBatch& batch : batches_) batch.seq = seq++;
  drops_.clear();  // they spoke of the old stream, which nobody will ask about
  return seq;
}

std::size_t SendQueue::bundle(std::uint64_t last_seq, const BundleLimits& limits) const {
  std::size_t count = 0;
  std::uint64_t samples = 0;
  std::size_t size = 0;
  for (const SealedBatch& batch : batches_) {
    if (batch.seq > last_seq || count == limits.batches) break;
    if (count != 0 && batch.seq != batches_.front().seq + count)
      break;  // a gap: something between was acknowledged
    if (count != 0 && !(batch.is_gzip && batches_.front().is_gzip)) break;
    samples += batch.samples;
    size += batch.payload.size();
    if (count != 0 && (samples > limits.samples || size > limits.bytes)) break;
    ++count;
  }
  return count;
}

void SendQueue::forget_drops(std::size_t count) {
  drops_.erase(drops_.begin(), drops_.begin() + static_cast<std::ptrdiff_t>(std::min(count, drops_.size())));
}

void SendQueue::drop(std::size_t index, LossReason reason) {
  const SealedBatch& batch = batches_[index];
  dropped_samples_[static_cast<std::size_t>(reason)] += batch.samples;
  if (!drops_.empty() && drops_.back().reason == reason && drops_.back().range.last + 1 == batch.seq) {
    drops_.back().range.last = batch.seq;
    drops_.back().samples += batch.samples;
  } else {
    drops_.push_back({{batch.seq, batch.seq}, batch.samples, reason});
  }
  remove(index);
}

void SendQueue::remove(std::size_t index) {
  SealedBatch& batch = batches_[index];
  bytes_ -= cost_of(batch);
  if (spare_.size() < kSpareBuffers) spare_.push_back(std::move(batch.payload));
  batches_.erase(batches_.begin() + static_cast<std::ptrdiff_t>(index));
}

}  // namespace sysmon
