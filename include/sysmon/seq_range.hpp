// SeqRange: contiguous numbers of one stream.
#pragma once

#include <cstdint>

namespace sysmon {

struct SeqRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;  // included
  friend bool operator==(const SeqRange&, const SeqRange&) = default;
};

}  // namespace sysmon
