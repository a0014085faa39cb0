// OptionalFile: a kernel file that a collector can do without.
//
// One that is not there is looked for again once a minute, not at every tick: a module may be loaded.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "sysmon/collector.hpp"

namespace sysmon {

class OptionalFile {
 public:
  OptionalFile(KernelFiles& files, std::string_view path) : file_(&files.file(path)) {}

  // Its text; nullopt where it is absent or not readable.
  std::optional<std::string_view> read(const Tick& tick) {
    if (tick.mono_ns < retry_ns_) return std::nullopt;
    const auto text = file_->read();
    if (text) return *text;
    retry_ns_ = tick.mono_ns + kRetryNs;
    return std::nullopt;
  }

 private:
  static constexpr std::int64_t kRetryNs = 60'000'000'000;
  KernelFile* file_;
  std::int64_t retry_ns_ = INT64_MIN;
};

}  // namespace sysmon
