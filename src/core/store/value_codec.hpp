// A list of numbers in few bytes, given back bit by bit: the values of one series in one chunk, or its times.
//
// Doubles become integers (as they are, as a decimal fraction that is exactly the value, or as the bits of the
// double), integers become differences, differences lose what they have in common and go to the entropy coder.
// docs/formats/chunk.md has the boxes.
//
// Threads: pure functions over the caller's memory.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/store/bytes.hpp"

namespace sysmon {

// How many decimals it takes to write every value exactly as a whole number of less than 2^53; kNoDecimals
// where there is no such number: more than six, negative zero, or too large.
inline constexpr unsigned kNoDecimals = 7;
[[nodiscard]] unsigned decimals_of(std::span<const double> values);

// Whether `value` is exactly whole / 10^decimals for a whole number of less than 2^53, and which.
// REQUIRES: decimals < kNoDecimals.
[[nodiscard]] bool is_decimal(double value, unsigned decimals, std::int64_t& whole);

// `value` rounded to as many decimals; the value itself for kNoDecimals. What sums of decimal fractions need
// to be decimal fractions again.
[[nodiscard]] double to_decimals(double value, unsigned decimals);

// Appends the values. REQUIRES: at least one.
void put_values(std::string& out, std::span<const double> values);
// Reads as many values as `out` has (at least one). `in` is no longer ok where the bytes are not what
// put_values writes for so many; what `out` holds then means nothing.
void take_values(ByteReader& in, std::span<double> out);
// Two series that lie in different places, in little more time than one.
void take_values(ByteReader& in_a, std::span<double> out_a, ByteReader& in_b, std::span<double> out_b);

// The same for integers.
void put_integers_as_series(std::string& out, std::span<const std::int64_t> values);
void take_integers_as_series(ByteReader& in, std::span<std::int64_t> out);

}  // namespace sysmon
