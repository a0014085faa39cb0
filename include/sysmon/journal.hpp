// A journal row: the samples of one host at one time, packed. docs/formats/journal.md has the boxes.
//
//     std::string payload = pack_row({set.id, boot, set.keys.size()}, positions, values);
//     Result<RowView> row = RowView::parse(payload);  // checks the checksum and every length
//     row->read(samples);                             // samples.positions[i] has samples.values[i]
//
// Values come back bit-equal. A row does not hold its time: it lies beside it in the table.
//
// Threads: pure functions over the caller's memory.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sysmon/key_sets.hpp"
#include "sysmon/presence.hpp"
#include "sysmon/result.hpp"

namespace sysmon {

// What a row says about all of its samples.
struct RowHead {
  KeySetId key_set = 0;
  std::uint32_t boot = 0;      // hash_of_boot; 0 is unknown
  std::uint32_t set_size = 0;  // keys in the set; every position is less
};

// Stands for a boot_id in rows; 0 for an empty one, and for nothing else. The same in every process.
[[nodiscard]] std::uint32_t hash_of_boot(std::string_view boot_id);

// `positions`: where in the key set each value belongs. REQUIRES: ascending, no two equal, each <
// head.set_size; as many values, all finite.
[[nodiscard]] std::string pack_row(const RowHead& head, std::span<const std::uint32_t> positions,
                                   std::span<const double> values);

// A reused buffer of samples: values[i] belongs to positions[i].
struct RowSamples {
  std::vector<std::uint32_t> positions;
  std::vector<double> values;
};

// A packed row, checked and readable in place. Points into the payload it was parsed from.
class RowView {
 public:
  // Error: malformed, where the bytes are not what pack_row writes.
  static Result<RowView> parse(std::string_view payload);

  [[nodiscard]] KeySetId key_set() const { return head_.key_set; }
  [[nodiscard]] std::uint32_t boot() const { return head_.boot; }
  [[nodiscard]] std::uint32_t set_size() const { return head_.set_size; }
  [[nodiscard]] std::uint32_t samples() const { return samples_; }

  // Replaces the content of `out` by every sample, positions ascending.
  void read(RowSamples& out) const;
  // The same for those of `wanted` that the row has; `positions` are then indexes into `wanted`.
  // REQUIRES: `wanted` is ascending, no two equal.
  void read_some(std::span<const std::uint32_t> wanted, RowSamples& out) const;

 private:
  [[nodiscard]] std::uint32_t code(std::uint32_t sample) const;
  [[nodiscard]] double value(std::uint32_t code, std::size_t offset) const;

  RowHead head_;
  std::uint32_t samples_ = 0;
  Presence presence_;       // which positions
  std::string_view codes_;  // four bits a sample
  std::string_view values_;
};

}  // namespace sysmon
