// Which of `universe` places are taken: the keys of a set that a row has, the ticks at which a series was seen.
//
//   u8 way | all: nothing   runs: varint bytes, then varints in turn, so many absent, so many present, …
//          | bitmap: ceil(universe / 8) bytes, low bit first
//
// Threads: pure functions over the caller's memory.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sysmon {

class ByteReader;

// Appends it in the shortest way. REQUIRES: `places` ascending, no two equal, each < universe.
void put_presence(std::string& out, std::uint32_t universe, std::span<const std::uint32_t> places);

// What put_presence wrote, checked and read in place. Points into the bytes it was read from.
class Presence {
 public:
  Presence() = default;
  // `in` is no longer ok where the bytes are not `count` ascending places below `universe`.
  static Presence take(ByteReader& in, std::uint32_t universe, std::uint32_t count);

  // Every place of so many.
  static Presence all(std::uint32_t universe) {
    Presence presence;
    presence.universe_ = universe;
    return presence;
  }

  [[nodiscard]] std::uint32_t universe() const { return universe_; }
  [[nodiscard]] bool is_all() const { return way_ == kAll; }

  // Calls visit(first, count) for each run of places, ascending; stops where it says false. False where the
  // bytes are not what put_presence writes, which take() has ruled out.
  template <class Visit>
  bool each_run(Visit&& visit) const;

  // Replaces `out` by all places.
  void read(std::vector<std::uint32_t>& out) const;

 private:
  enum Way : std::uint8_t { kAll, kRuns, kBitmap };  // do not renumber
  friend void put_presence(std::string& out, std::uint32_t universe, std::span<const std::uint32_t> places);

  // The next (absent, present) of a list of runs; false at its end, and where it is not one.
  static bool next_run(std::string_view& runs, std::uint64_t& gap, std::uint64_t& count);

  std::uint32_t universe_ = 0;
  std::uint8_t way_ = kAll;
  std::string_view bytes_;
};

template <class Visit>
bool Presence::each_run(Visit&& visit) const {
  if (way_ == kAll) {
    visit(std::uint32_t{0}, universe_);
    return true;
  }
  if (way_ == kBitmap) {
    for (std::uint32_t first = 0; first < universe_; ++first) {
      const std::uint32_t eight = static_cast<unsigned char>(bytes_[first / 8]);
      if (((eight >> (first % 8)) & 1U) == 0) continue;
      if (!visit(first, std::uint32_t{1})) break;
    }
    return true;
  }
  std::string_view runs = bytes_;
  std::uint32_t next = 0;
  std::uint64_t gap = 0;
  std::uint64_t count = 0;
  while (!runs.empty()) {
    if (!next_run(runs, gap, count) || gap > universe_ - next) return false;
    const auto first = static_cast<std::uint32_t>(next + gap);
    if (count > universe_ - first) return false;
    if (!visit(first, static_cast<std::uint32_t>(count))) break;
    next = first + static_cast<std::uint32_t>(count);
  }
  return true;
}

}  // namespace sysmon
