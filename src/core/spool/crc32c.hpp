// CRC-32C (Castagnoli, RFC 3720 appendix B.4), eight bytes a step: by the processor's own instruction where it has one,
// else by tables.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sysmon {

namespace crc32c_detail {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // reflected

constexpr std::array<std::array<std::uint32_t, 256>, 8> make_tables() {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? kPolynomial : 0U);
    tables[0][byte] = crc;
  }
  for (std::size_t table = 1; table < 8; ++table) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[table - 1][byte];
      tables[table][byte] = (before >> 8U) ^ tables[0][before & 255U];
    }
  }
  return tables;
}

inline constexpr auto kTables = make_tables();

[[nodiscard]] inline std::uint32_t by_tables(std::string_view bytes, std::uint32_t crc) {
  const auto& tables = kTables;
  const auto at = [&](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(bytes[i])}; };
  crc = ~crc;
  while (bytes.size() >= 8) {
    const std::uint32_t low = crc ^ (at(0) | at(1) << 8U | at(2) << 16U | at(3) << 24U);
    crc = tables[7][low & 255U] ^ tables[6][(low >> 8U) & 255U] ^ tables[5][(low >> 16U) & 255U] ^
          tables[4][low >> 24U] ^ tables[3][at(4)] ^ tables[2][at(5)] ^ tables[1][at(6)] ^ tables[0][at(7)];
    bytes.remove_prefix(8);
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) crc = (crc >> 8U) ^ tables[0][(crc ^ at(i)) & 255U];
  return ~crc;
}

#if defined(__x86_64__) && defined(__GNUC__)

inline const bool kHasInstruction = __builtin_cpu_supports("sse4.2") != 0;

[[nodiscard, gnu::target("sse4.2")]] inline std::uint32_t by_instruction(std::string_view bytes,
                                                                         std::uint32_t crc) {
  std::uint64_t state = static_cast<std::uint32_t>(~crc);
  while (bytes.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    state = __builtin_ia32_crc32di(state, word);
    bytes.remove_prefix(8);
  }
  auto rest = static_cast<std::uint32_t>(state);
  for (const char c : bytes) rest = __builtin_ia32_crc32qi(rest, static_cast<unsigned char>(c));
  return ~rest;
}

#else

inline constexpr bool kHasInstruction = false;
[[nodiscard]] inline std::uint32_t by_instruction(std::string_view bytes, std::uint32_t crc) {
  return by_tables(bytes, crc);
}

#endif

}  // namespace crc32c_detail

// `crc` continues the checksum of what comes before `bytes`.
[[nodiscard]] inline std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0) {
  using namespace crc32c_detail;
  return kHasInstruction ? by_instruction(bytes, crc) : by_tables(bytes, crc);
}

}  // namespace sysmon
