// What names, tag values and hostnames may look like. One place, because keys rely on it: no name or value
// holds a NUL.
#pragma once

#include <cstddef>
#include <string_view>

namespace sysmon {

inline constexpr std::size_t kMaxMetricName = 128;
inline constexpr std::size_t kMaxTagKey = 64;
inline constexpr std::size_t kMaxTagValue = 256;
inline constexpr std::size_t kMaxHostname = 253;

// [A-Za-z_][A-Za-z0-9_.:-]*
[[nodiscard]] bool is_name(std::string_view text);

// RFC 1123: labels of 1 to 63 letters, digits and inner hyphens, joined by dots.
[[nodiscard]] bool is_hostname(std::string_view text);

// No control characters, line separators or bidi overrides: what a terminal or a page would obey instead of
// show. REQUIRES: valid UTF-8.
[[nodiscard]] bool is_printable(std::string_view text);

}  // namespace sysmon
