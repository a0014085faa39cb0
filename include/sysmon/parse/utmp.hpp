// /run/utmp: who is logged in, as glibc's struct utmp of fixed size.
// https://man7.org/linux/man-pages/man5/utmp.5.html
#pragma once

#include <cstddef>
#include <string_view>

#include "sysmon/result.hpp"

namespace sysmon {

inline constexpr std::size_t kUtmpBytes = 384;    // a record on x86_64, where time is 32 bits wide in it
inline constexpr std::size_t kUtmpBytes64 = 400;  // on aarch64, where it is 64

// How many login sessions there are: records of type USER_PROCESS, as `who` counts them.
// Error: malformed where the file is not a whole number of records.
Result<std::size_t> parse_utmp_users(std::string_view bytes, std::size_t record_bytes);

}  // namespace sysmon
