// PushHeaders: the header lines of a push (docs/formats/wire.md). The strings are kept and written over: the same
// few lines with every request.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sysmon/clock.hpp"
#include "sysmon/spool.hpp"

namespace sysmon {

class PushHeaders {
 public:
  void begin() { used_ = 0; }
  void add(std::string_view name, std::string_view value);
  void add_seq(SeqRange range);
  // The sender's clocks, now.
  void add_now(const Clock& clock, std::string_view boot_id);
  // The drops of `stream` that are not acknowledged yet, the oldest first. Returns how many.
  std::size_t add_drops(const Spool& spool, std::string_view stream);

  [[nodiscard]] std::span<const std::string> lines() const { return {lines_.data(), used_}; }

 private:
  std::string& next(std::string_view name);

  std::vector<std::string> lines_;
  std::size_t used_ = 0;
};

}  // namespace sysmon
