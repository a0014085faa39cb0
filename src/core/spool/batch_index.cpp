#include "core/spool/batch_index.hpp"

#include <algorithm>

namespace sysmon {

std::uint32_t BatchIndex::stream_number(const Id128& stream) {
  for (std::size_t i = streams_.size(); i-- > 0;) {  // mostly the last one
    if (streams_[i].id == stream) return static_cast<std::uint32_t>(i);
  }
  streams_.push_back({stream, to_text(stream)});
  return static_cast<std::uint32_t>(streams_.size() - 1);
}

std::uint64_t BatchIndex::add(const IndexedBatch& batch) {
  batches_.push_back(batch);
  ++waiting_;
  payload_bytes_ += batch.payload_bytes();
  return end() - 1;
}

IndexedBatch* BatchIndex::find(std::uint64_t id) {
  return const_cast<IndexedBatch*>(static_cast<const BatchIndex*>(this)->find(id));
}

const IndexedBatch* BatchIndex::find(std::uint64_t id) const {
  if (id < first_id_ || id >= end()) return nullptr;
  const IndexedBatch& batch = batches_[id - first_id_];
  return batch.waits ? &batch : nullptr;
}

std::uint64_t BatchIndex::find_number(std::uint32_t stream, std::uint64_t seq) const {
  for (std::uint64_t id = first_id_; id < end(); ++id) {
    const IndexedBatch* const batch = find(id);
    if (batch != nullptr && batch->stream == stream && batch->seq == seq) return id;
  }
  return 0;
}

void BatchIndex::settle(std::uint64_t id) {
  IndexedBatch* const batch = find(id);
  if (batch == nullptr) return;
  batch->waits = false;
  --waiting_;
  payload_bytes_ -= batch->payload_bytes();
  while (!batches_.empty() && !batches_.front().waits) {
    batches_.pop_front();
    ++first_id_;
  }
}

void BatchIndex::insert(const std::vector<IndexedBatch>& found,
                        const std::function<void(std::uint64_t from, std::uint64_t to)>& moved) {
  struct Placed {
    IndexedBatch batch;
    std::uint64_t id = 0;  // 0: it had none
  };
  std::vector<Placed> all;
  for (std::uint64_t id = first_id_; id < end(); ++id) {
    if (const IndexedBatch* const batch = find(id)) all.push_back({*batch, id});
  }
  for (const IndexedBatch& batch : found) all.push_back({batch});
  std::ranges::stable_sort(all, [](const Placed& a, const Placed& b) {
    const bool is_a_in_memory = a.batch.place.segment == 0;
    const bool is_b_in_memory = b.batch.place.segment == 0;
    if (is_a_in_memory || is_b_in_memory) return !is_a_in_memory && is_b_in_memory;
    return a.batch.place < b.batch.place;
  });
  first_id_ = end();
  batches_.clear();
  waiting_ = 0;
  payload_bytes_ = 0;
  for (const Placed& one : all) {
    const std::uint64_t id = add(one.batch);
    if (one.id != 0) moved(one.id, id);
  }
}

std::uint64_t BatchIndex::newest() const {
  std::uint64_t id = end() - 1;
  while (find(id) == nullptr) --id;
  return id;
}

}  // namespace sysmon
