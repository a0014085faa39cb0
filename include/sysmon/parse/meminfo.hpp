// /proc/meminfo: "MemTotal:       24684084 kB", a line a figure.
// https://docs.kernel.org/filesystems/proc.html#meminfo
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "sysmon/result.hpp"

namespace sysmon {

// In bytes, but for the huge pages, which are counts. Absent where this kernel has no such line.
struct MemInfo {
  using Field = std::optional<std::uint64_t>;
  Field total;
  Field free;
  Field available;  // since 3.14
  Field buffers;
  Field cached;
  Field swap_total;
  Field swap_free;
  Field dirty;
  Field writeback;
  Field anon;
  Field mapped;
  Field shared;
  Field slab_reclaimable;    // since 2.6.19
  Field slab_unreclaimable;  // since 2.6.19
  Field page_tables;
  Field commit_limit;
  Field committed;
  Field hugepages_total;  // pages
  Field hugepages_free;   // pages
  Field hugepage_size;
};

// Unknown lines are passed over. What is absent from the text is absent from `out`.
// Error: malformed, with the line, where a known figure is not a number or too large.
Result<void> parse_meminfo(std::string_view text, MemInfo& out);

}  // namespace sysmon
