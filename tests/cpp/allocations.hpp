// allocations_of: how often a piece of code asks for memory. For tests of paths that must not.
#pragma once

#include <cstddef>

namespace sysmon {

// Calls of operator new by this thread since it began.
[[nodiscard]] std::size_t allocations();

template <class Code>
[[nodiscard]] std::size_t allocations_of(Code&& code) {
  const std::size_t before = allocations();
  code();
  return allocations() - before;
}

}  // namespace sysmon
