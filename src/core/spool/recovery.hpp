// Recovery: what is in the spool's folder after whatever happened to it.
//
// Nothing here is an error: what is damaged is skipped up to the next record and counted, and a number that is
// missing between two others is declared lost (reason corrupt). What the disk does not give is asked for again later.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/spool/cursor.hpp"
#include "core/spool/recovered.hpp"
#include "core/spool/scan.hpp"
#include "sysmon/state_files.hpp"

namespace sysmon {

// Reads only.
class Recovery {
 public:
  // REQUIRES: the cursor is recovered.
  Recovery(Files& files, const Cursor& cursor);

  // What is there.
  [[nodiscard]] Recovered read();
  // All of it was read.
  [[nodiscard]] bool is_whole() const { return !is_folder_unread_ && unread_.empty(); }
  // What the disk gives now of what it did not give before. `is_ours` tells a segment that this process has made.
  [[nodiscard]] Recovered read_rest(const std::function<bool(std::uint64_t)>& is_ours);
  // Nobody waits for the rest any longer: numbers that are missing are lost.
  [[nodiscard]] Recovered give_up_missing() { return scan_.take_found(true); }

  // Where it began.
  [[nodiscard]] const CursorPosition& from() const { return from_; }
  // The first segment that was not read. REQUIRES: not is_whole.
  [[nodiscard]] std::uint64_t first_unread() const;

 private:
  void sort_out(const std::vector<std::string>& names);

  Files& files_;
  const CursorPosition from_;
  const bool is_cursor_unread_;
  Scan scan_;
  std::vector<std::uint64_t> unread_;  // ascending
  std::uint64_t last_ = 0;             // the last segment there was
  bool is_folder_unread_ = false;
  std::vector<std::uint64_t> stale_;
};

}  // namespace sysmon
