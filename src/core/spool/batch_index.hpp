// BatchIndex: which batches wait and where they lie, by id. 48 bytes each: a week's backlog has some 3 MB of
// index.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/spool/record.hpp"
#include "core/spool/segment_log.hpp"

namespace sysmon {

struct IndexedBatch {
  RecordPlace place;  // segment 0: in memory only
  std::uint64_t seq = 0;
  std::int64_t sealed_ms = 0;  // of this boot's CLOCK_BOOTTIME, or Unix time
  std::uint32_t samples = 0;
  std::uint32_t stream = 0;  // stream_number
  bool is_this_boot = false;
  bool is_gzip = true;
  bool waits = true;         // false: settled, and here only because an older one is not
  bool is_resealed = false;  // its record says under which number it was before

  [[nodiscard]] std::size_t payload_bytes() const {
    return place.bytes - kRecordHeaderBytes - (is_resealed ? kNumberBytes : 0);
  }
};

class BatchIndex {
 public:
  // The number under which `stream` is known from now on.
  std::uint32_t stream_number(const Id128& stream);
  [[nodiscard]] const Id128& stream_id(std::uint32_t number) const { return streams_[number].id; }
  [[nodiscard]] std::string_view stream_text(std::uint32_t number) const { return streams_[number].text; }

  // Returns its id.
  std::uint64_t add(const IndexedBatch& batch);
  // nullptr: it is settled.
  [[nodiscard]] IndexedBatch* find(std::uint64_t id);
  [[nodiscard]] const IndexedBatch* find(std::uint64_t id) const;
  // 0: none that waits has this number.
  [[nodiscard]] std::uint64_t find_number(std::uint32_t stream, std::uint64_t seq) const;
  void settle(std::uint64_t id);
  // Batches that are found late take their place among those that wait: in the order of the log, and what is in memory
  // only comes last. Every batch that waits gets another id; `moved` is told of each, the oldest first.
  void insert(const std::vector<IndexedBatch>& found,
              const std::function<void(std::uint64_t from, std::uint64_t to)>& moved);

  [[nodiscard]] std::size_t waiting() const { return waiting_; }
  [[nodiscard]] std::uint64_t payload_bytes() const { return payload_bytes_; }
  [[nodiscard]] std::uint64_t oldest() const { return first_id_; }                 // REQUIRES: one waits
  [[nodiscard]] std::uint64_t newest() const;                                      // REQUIRES: one waits
  [[nodiscard]] std::uint64_t end() const { return first_id_ + batches_.size(); }  // the next id

 private:
  struct Stream {
    Id128 id{};
    std::string text;
  };
  std::deque<Stream> streams_;  // a deque: views of the texts stay
  std::deque<IndexedBatch> batches_;
  std::uint64_t first_id_ = 1;
  std::size_t waiting_ = 0;
  std::uint64_t payload_bytes_ = 0;
};

}  // namespace sysmon
