#include "core/spool/cursor.hpp"

#include <algorithm>
#include <string>

#include "core/spool/attempts.hpp"
#include "core/spool/crc32c.hpp"
#include "core/spool/little_endian.hpp"
#include "core/spool/segment_log.hpp"

namespace sysmon {
namespace {

constexpr std::string_view kMagic{"\xF5SC\xFA", 4};
constexpr std::size_t kSlotBytes = 4 + 4 + 8 + 8 + 8 + 16 + 8;
constexpr std::size_t kSlotSpacing = 4096;
constexpr std::uint64_t kMaxGeneration = std::uint64_t{1} << 62U;

std::string encode(const CursorSlot& slot) {
  std::string rest;
  append_fixed(rest, slot.generation);
  append_fixed(rest, slot.position.segment);
  append_fixed(rest, slot.position.offset);
  rest.append(slot.position.stream.data(), slot.position.stream.size());
  append_fixed(rest, slot.position.seq);
  std::string bytes(kMagic);
  append_fixed(bytes, crc32c(rest));
  return bytes + rest;
}

std::optional<CursorSlot> decode(std::string_view bytes) {
  if (bytes.size() < kSlotBytes || !bytes.starts_with(kMagic)) return std::nullopt;
  if (fixed_at<std::uint32_t>(bytes, 4) != crc32c(bytes.substr(8, kSlotBytes - 8))) return std::nullopt;
  CursorSlot slot;
  slot.generation = fixed_at<std::uint64_t>(bytes, 8);
  slot.position.segment = fixed_at<std::uint64_t>(bytes, 16);
  slot.position.offset = fixed_at<std::uint64_t>(bytes, 24);
  std::copy_n(bytes.begin() + 32, slot.position.stream.size(), slot.position.stream.begin());
  slot.position.seq = fixed_at<std::uint64_t>(bytes, 48);
  // Numbers that no agent counts up to: it could not count on from there. Half of the segments are left, so that what
  // lies behind a cursor has a name.
  const CursorPosition& at = slot.position;
  if (slot.generation > kMaxGeneration || at.segment > kMaxSegment / 2 || at.seq > kMaxSeq)
    return std::nullopt;
  return slot;
}

}  // namespace

std::optional<CursorSlot> parse_cursor(std::string_view file) {
  // What a file lacks at its end reads as zeros as soon as the second slot is written: a slot that is whole then
  // counts from the first.
  std::string padded(file.substr(0, kSlotSpacing + kSlotBytes));
  padded.resize(kSlotSpacing + kSlotBytes);
  const auto first = decode(padded);
  const auto second = decode(std::string_view(padded).substr(kSlotSpacing));
  if (!first) return second;
  return second && second->generation > first->generation ? second : first;
}

void Cursor::recover(Files& files) {
  const auto text = read_patiently([&] { return files.read(kCursorFile); });
  is_unread_ = !text && text.error().kind != Error::Kind::not_found;
  if (!text) return;
  if (const auto slot = parse_cursor(*text)) {
    generation_ = slot->generation;
    position_ = slot->position;
    is_written_ = true;
  }
}

void Cursor::move(Files& files, const CursorPosition& to) {
  if (is_written_ && to == position_) return;
  position_ = to;
  if (!file_) {
    auto opened = files.open(kCursorFile, OpenMode::write);
    is_written_ = opened.ok();
    if (!opened) return;
    file_ = std::move(*opened);
  }
  // Slots that were not read may hold any number that an agent counts up to.
  if (is_unread_ && generation_ == 0) generation_ = kMaxGeneration / 2;
  ++generation_;
  is_written_ = file_->write_at(generation_ % 2 * kSlotSpacing, encode({generation_, to})).ok();
  if (!is_written_) file_.reset();
}

}  // namespace sysmon
