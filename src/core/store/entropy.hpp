// Non-negative integers in about as many bits as their distribution has: rANS over fixed probability models.
//
// A value is cut into `shift` low bits, which are noise and kept as they are, and the rest, which is one of
// kSymbols symbols; larger rests are an escape and follow as varints. The models are shapes (falling
// geometrically or like a bell, with more zeros or fewer) and do not depend on the data, so a few hundred
// samples pay for no table. docs/formats/chunk.md has the boxes and the models.
//
// Threads: pure functions over the caller's memory.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/store/bytes.hpp"

namespace sysmon {

// How a list of integers is written.
struct EntropyModel {
  std::uint8_t model = 0;  // < kModels
  std::uint8_t shift = 0;  // low bits kept as they are; at most kMaxShift
};

inline constexpr unsigned kModels = 108;  // do not renumber
inline constexpr unsigned kMaxShift = 63;

// The model and shift that make `values` about as short as can be.
[[nodiscard]] EntropyModel choose_model(std::span<const std::uint64_t> values);

// Appends the values. REQUIRES: a valid model.
void put_integers(std::string& out, std::span<const std::uint64_t> values, EntropyModel how);

// A list to be read: as many values as `out` has. `in` is no longer ok afterwards where the bytes are cut or not
// what put_integers writes; what `out` holds then means nothing.
struct IntegerList {
  ByteReader* in;
  std::span<std::uint64_t> out;
  EntropyModel how;
};

void take_integers(const IntegerList& list);
// Two lists that lie in different places: in about half the time of one after the other.
void take_integers(const IntegerList& a, const IntegerList& b);

}  // namespace sysmon
