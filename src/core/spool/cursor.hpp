// The cursor: where the spool's oldest record that is still needed lies, in a file of two slots.
//
// A slot is magic | crc32c | generation | segment | offset | stream | seq, 56 bytes, at offset 0 or 4096: a write torn
// by a power loss spoils one of them, and the other is one step behind, which costs duplicates and no batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "core/spool/record.hpp"
#include "sysmon/state_files.hpp"

namespace sysmon {

struct CursorPosition {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  // What is expected there: a first record that was destroyed leaves a number missing.
  Id128 stream{};
  std::uint64_t seq = 0;  // 0: nothing is expected
  friend bool operator==(const CursorPosition&, const CursorPosition&) = default;
};

inline constexpr const char* kCursorFile = "cursor";

class Cursor {
 public:
  // The newest slot that is whole; the default position where neither is.
  void recover(Files& files);

  [[nodiscard]] const CursorPosition& position() const { return position_; }
  // There is one, and the disk did not give it: a later start may see it again.
  [[nodiscard]] bool is_unread() const { return is_unread_; }
  // There was a whole slot, or a move has written one since.
  [[nodiscard]] bool is_known() const { return generation_ > 0; }
  // Writes it unless it is the present one. A failure costs duplicates after a restart, and is tried again
  // with the next move.
  void move(Files& files, const CursorPosition& to);

 private:
  std::unique_ptr<File> file_;
  CursorPosition position_;
  bool is_written_ = false;
  bool is_unread_ = false;
  std::uint64_t generation_ = 0;
};

// What the two slots of a cursor file say.
struct CursorSlot {
  std::uint64_t generation = 0;
  CursorPosition position;
};
[[nodiscard]] std::optional<CursorSlot> parse_cursor(std::string_view file);

}  // namespace sysmon
