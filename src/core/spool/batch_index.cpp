#include "core/spool/batch_index.hpp"

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
  payload_bytes_ += batch.place.bytes - kRecordHeaderBytes;
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

void BatchIndex::settle(std::uint64_t id) {
  IndexedBatch* const batch = find(id);
  if (batch == nullptr) return;
  batch->waits = false;
  --waiting_;
  payload_bytes_ -= batch->place.bytes - kRecordHeaderBytes;
  while (!batches_.empty() && !batches_.front().waits) {
    batches_.pop_front();
    ++first_id_;
  }
}

std::uint64_t BatchIndex::newest() const {
  std::uint64_t id = end() - 1;
  while (find(id) == nullptr) --id;
  return id;
}

}  // namespace sysmon
