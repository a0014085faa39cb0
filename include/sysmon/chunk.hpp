// Chunks: what is kept of one host's hour (or, rolled up, of its day). docs/formats/chunk.md has the boxes.
//
// A chunk is several parts, each a row of its own: the ticks, which are the times of all of them, and one part
// for each group of metric families, so that whoever asks for CPU reads no disks. Values come back bit-equal.
//
// Threads: pure functions over the caller's memory.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sysmon/key_sets.hpp"
#include "sysmon/presence.hpp"
#include "sysmon/result.hpp"
#include "sysmon/selector.hpp"

namespace sysmon {

// Part 0 of a chunk is its ticks, 1 … kGroups the groups of metric families. Do not renumber: parts are in keys.
inline constexpr unsigned kTicksPart = 0;
inline constexpr unsigned kGroups = 6;
// The part that a metric type belongs to, by its family.
[[nodiscard]] unsigned part_of(std::string_view type);
// Whether a series that the selector takes may be in this part; by types alone.
[[nodiscard]] bool may_be_in(const Selector& selector, unsigned part);

// Whether the checksum at the end of a stored payload, a row's or a part's, is that of what comes before it.
[[nodiscard]] bool is_intact(std::string_view payload);

// Where a part lies: the key of its row, from which also the order of rows follows (hour by hour, host by host).
struct ChunkKey {
  std::uint8_t tier = 0;   // 0 raw, 1 cells of five minutes, 2 cells of an hour; 2 bits
  std::uint32_t hour = 0;  // hours since 1970; 21 bits. Of a day's chunk its first
  std::uint32_t host = 0;  // 24 bits
  std::uint8_t part = 0;   // 3 bits

  [[nodiscard]] std::int64_t pack() const;
  [[nodiscard]] static ChunkKey unpack(std::int64_t key);
};

// What a series has at each of its ticks. Do not renumber.
enum class Shape : std::uint8_t {
  sample = 0,       // the value
  gauge_cell = 1,   // of a cell: count, sum, min, max, last
  counter_cell = 2  // of a cell: count, last, increase, and the milliseconds over which that was seen
};
[[nodiscard]] std::size_t fields_of(Shape shape);

// A series on the ticks of its chunk. `values` is field by field, each with as many as there are ticks.
struct ChunkSeries {
  const Key* key = nullptr;
  Shape shape = Shape::sample;
  std::vector<std::uint32_t> ticks;  // indexes into Ticks::times, ascending
  std::vector<double> values;
};

struct Ticks {
  std::vector<std::int64_t> times;  // Unix milliseconds, ascending, no two equal
  // (index of a tick, hash_of_boot) where another boot is seen than at the tick before; unknown boots are not told.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> boots;
};

[[nodiscard]] std::string pack_ticks(const Ticks& ticks);
// Error: malformed.
[[nodiscard]] Result<Ticks> unpack_ticks(std::string_view payload);
// How many there are, without reading them. Error: malformed.
[[nodiscard]] Result<std::uint32_t> count_ticks(std::string_view payload);

// One part. REQUIRES: `series` are in `set`, of this part, in the set's order, each with at least one tick.
[[nodiscard]] std::string pack_part(const KeySet& set, unsigned part, std::uint32_t ticks,
                                    std::span<const ChunkSeries* const> series);

// The positions of a set's keys that belong to one part, ascending.
[[nodiscard]] std::vector<std::uint32_t> members_of(const KeySet& set, unsigned part);

// A packed part, checked; series are read one by one, and only those that are wanted. Points into the payload.
class PartView {
 public:
  struct Entry {
    std::uint32_t member;  // index into members_of the set
    Shape shape;
    Presence ticks;
    std::uint32_t count;  // of ticks
    std::string_view body;
  };

  // Error: malformed, where the bytes are not what pack_part writes.
  static Result<PartView> parse(std::string_view payload);

  [[nodiscard]] KeySetId key_set() const { return key_set_; }
  [[nodiscard]] std::uint32_t ticks() const { return ticks_; }
  [[nodiscard]] const std::vector<Entry>& series() const { return series_; }
  [[nodiscard]] std::uint32_t members() const { return members_; }

  // The values of one of its series, field by field. Error: malformed.
  [[nodiscard]] static Result<void> read(const Entry& entry, std::vector<double>& values);
  // Likewise of two, of one part or of two, in little more time than one. REQUIRES: both are samples.
  [[nodiscard]] static Result<void> read(const Entry& a, std::vector<double>& values_a, const Entry& b,
                                         std::vector<double>& values_b);

 private:
  KeySetId key_set_ = 0;
  std::uint32_t members_ = 0;
  std::uint32_t ticks_ = 0;
  std::vector<Entry> series_;
};

}  // namespace sysmon
