// Asking a disk that is busy or short of descriptors again.
#pragma once

#include "sysmon/result.hpp"

namespace sysmon {

inline constexpr int kReadAttempts = 3;

// What `call` gives, at the latest the third time. What is not there is not asked for again.
template <class Call>
[[nodiscard]] auto read_patiently(Call call) {
  for (int attempt = 1;; ++attempt) {
    auto given = call();
    if (given || given.error().kind == Error::Kind::not_found || attempt == kReadAttempts) return given;
  }
}

}  // namespace sysmon
