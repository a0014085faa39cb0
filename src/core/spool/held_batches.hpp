// HeldBatches: the payloads of the newest batches, until the disk is known to have them or nobody needs them.
//
// Buffers are handed round: a host whose batches are acknowledged at once allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace sysmon {

struct HeldBatch {
  std::uint64_t id = 0;
  std::int64_t since_ns = 0;  // monotonic
  std::string payload;
};

class HeldBatches {
 public:
  // REQUIRES: ids ascend.
  void hold(std::uint64_t id, std::int64_t now_ns, std::string_view payload) {
    HeldBatch batch{id, now_ns, {}};
    if (!spare_.empty()) {
      batch.payload = std::move(spare_.back());
      spare_.pop_back();
    }
    batch.payload.assign(payload);
    batches_.push_back(std::move(batch));
  }

  void release(std::uint64_t id) {
    for (std::size_t i = 0; i < batches_.size() && batches_[i].id <= id; ++i) {
      if (batches_[i].id == id) return erase(i);
    }
  }

  // REQUIRES: ids ascend still.
  void renumber(std::uint64_t from, std::uint64_t to) {
    for (HeldBatch& batch : batches_) {
      if (batch.id == from) batch.id = to;
    }
  }

  template <class Predicate>
  void release_if(Predicate is_done) {
    for (std::size_t i = 0; i < batches_.size();) {
      if (is_done(batches_[i])) {
        erase(i);
      } else {
        ++i;
      }
    }
  }

  // nullptr: it is not held.
  [[nodiscard]] const std::string* find(std::uint64_t id) const {
    for (const HeldBatch& batch : batches_) {
      if (batch.id == id) return &batch.payload;
    }
    return nullptr;
  }

  [[nodiscard]] const std::deque<HeldBatch>& batches() const { return batches_; }  // the oldest first

 private:
  void erase(std::size_t index) {
    constexpr std::size_t kSpareBuffers = 4;
    if (spare_.size() < kSpareBuffers) spare_.push_back(std::move(batches_[index].payload));
    batches_.erase(batches_.begin() + static_cast<std::ptrdiff_t>(index));
  }

  std::deque<HeldBatch> batches_;
  std::vector<std::string> spare_;
};

}  // namespace sysmon
