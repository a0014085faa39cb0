// Quarantine: the batches that the aggregator will never take, kept for whoever wants to know why.
//
// A file of records, at most 1 MiB; what would not fit begins it anew. Nothing depends on it, so no failure of
// it matters.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "sysmon/state_files.hpp"

namespace sysmon {

inline constexpr const char* kQuarantineFile = "quarantine";
inline constexpr std::uint64_t kMaxQuarantineBytes = 1U << 20U;

class Quarantine {
 public:
  explicit Quarantine(Files& files) : files_(files) {}

  void add(std::string_view record) {
    auto file = files_.open(kQuarantineFile, OpenMode::write);
    if (!file) return;
    if (!size_) {
      const auto known = (*file)->read_at(0, kMaxQuarantineBytes);
      size_ = known ? known->size() : 0;
    }
    if (*size_ + record.size() > kMaxQuarantineBytes) {
      if (!(*file)->truncate(0)) return;
      size_ = 0;
    }
    if ((*file)->write_at(*size_, record)) *size_ += record.size();
  }

 private:
  Files& files_;
  std::optional<std::uint64_t> size_;  // once it was looked at
};

}  // namespace sysmon
