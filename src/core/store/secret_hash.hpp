// SecretHash: 128 bits that stand for a text, seeded per process: nobody outside can make one text pass for
// another.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

#include "core/store/bytes.hpp"

namespace sysmon {

struct Hash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
};

// For unordered containers.
struct HashOfHash {
  std::size_t operator()(const Hash128& hash) const { return static_cast<std::size_t>(hash.low); }
};

class SecretHash {
 public:
  SecretHash() : secret_(XXH3_SECRET_SIZE_MIN) {
    std::random_device random;
    std::ranges::generate(secret_, [&random] { return static_cast<char>(random()); });
  }
  [[nodiscard]] Hash128 operator()(std::string_view text) const {
    const XXH128_hash_t hash =
        XXH3_128bits_withSecret(text.data(), text.size(), secret_.data(), secret_.size());
    return {hash.low64, hash.high64};
  }

 private:
  std::vector<char> secret_;
};

}  // namespace sysmon
