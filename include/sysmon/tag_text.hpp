// tag_text: any bytes a system gives as a name, made fit to be a tag's value.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sysmon {

inline constexpr std::size_t kMaxTagBytes = 128;

// Valid UTF-8 of at most `max_bytes`. Bytes that are not UTF-8, control characters (C0, DEL, C1) and
// backslashes in front of an 'x' become \xNN, so that no two names become one; what is too long ends in "…".
[[nodiscard]] std::string tag_text(std::string_view bytes, std::size_t max_bytes = kMaxTagBytes);

}  // namespace sysmon
