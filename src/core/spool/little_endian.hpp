// Fixed-width integers of the spool's files, little-endian whatever the host is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace sysmon {

template <class T>
void append_fixed(std::string& out, T value) {
  auto rest = static_cast<std::uint64_t>(static_cast<std::make_unsigned_t<T>>(value));
  for (std::size_t i = 0; i < sizeof(T); ++i, rest >>= 8U) out.push_back(static_cast<char>(rest & 255U));
}

// REQUIRES: bytes.size() >= offset + sizeof(T).
template <class T>
[[nodiscard]] T fixed_at(std::string_view bytes, std::size_t offset) {
  std::uint64_t value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;) {
    value = value << 8U | static_cast<unsigned char>(bytes[offset + i]);
  }
  return static_cast<T>(value);
}

}  // namespace sysmon
