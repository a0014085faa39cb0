// Varints, fixed-width little-endian integers and the checksum: what the formats of docs/formats/journal.md
// are made of.
#pragma once

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace sysmon {

static_assert(std::endian::native == std::endian::little,
              "stored integers are little-endian, and copied as they lie");

// LEB128, at most ten bytes.
inline void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80U) {
    out.push_back(static_cast<char>(value | 0x80U));
    value >>= 7U;
  }
  out.push_back(static_cast<char>(value));
}

template <class T>
void put_fixed(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

// Signed as unsigned, small ones small: 0, -1, 1, -2, 2 … are 0, 1, 2, 3, 4 …
inline constexpr std::uint64_t to_zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1U) ^ (value < 0 ? UINT64_MAX : 0U);
}
inline constexpr std::int64_t from_zigzag(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1U) ^ (0U - (value & 1U)));
}

// The checksum at the end of whatever is stored: the low half of XXH3-64 of everything before it.
inline std::uint32_t checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(XXH3_64bits(bytes.data(), bytes.size()));
}
inline constexpr std::size_t kChecksumBytes = 4;

// Takes from the front of some bytes. Past their end it gives zeros and is no longer ok.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
      if (byte < 0x80U) return value;
    }
    return fail();
  }
  template <class T>
  T fixed() {
    T value{};
    const std::string_view bytes = take(sizeof value);
    if (bytes.size() == sizeof value) std::memcpy(&value, &bytes.front(), sizeof value);
    return value;
  }
  // `size` bytes, or none where there are fewer.
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) {
      fail();
      return {};
    }
    const std::string_view bytes = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(bytes.size());
    return bytes;
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  [[nodiscard]] bool ok() const { return ok_; }
  // What was read makes no sense: from here on there is nothing. Gives 0.
  std::uint64_t fail() {
    ok_ = false;
    rest_ = {};
    return 0;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

// The bytes before a trailing checksum; ok is false where that does not match.
struct Checked {
  std::string_view bytes;
  bool ok = false;
};
inline Checked without_checksum(std::string_view stored) {
  if (stored.size() < kChecksumBytes) return {};
  const std::string_view bytes = stored.substr(0, stored.size() - kChecksumBytes);
  std::uint32_t sum = 0;
  std::memcpy(&sum, stored.data() + bytes.size(), sizeof sum);
  return {bytes, sum == checksum(bytes)};
}

}  // namespace sysmon
