// A record of the spool: what a segment is a row of (docs/formats/spool.md).
//
//   0 magic  4 length  8 crc32c  12 version  13 kind  14 zero  16 stream  32 seq  40 ts_first  48 boot_id
//   64 boottime_ms  72 samples  76 zero  80 payload; of a resealed batch: 80 its stream before  96 and seq  104 payload
//
// Integers are little-endian; length counts what follows 80; crc32c is of everything else but itself and the
// magic.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sysmon/loss_reason.hpp"
#include "sysmon/seq_range.hpp"

namespace sysmon {

using Id128 = std::array<char, 16>;  // a stream or a boot

// From 32 hexadecimal digits, dashes between them allowed; all zero for anything else.
[[nodiscard]] Id128 parse_id128(std::string_view text);
[[nodiscard]] std::string to_text(const Id128& id);  // 32 hexadecimal digits

// Do not renumber: stored. 4 was a record of its own that said what a resealed one says now.
enum class RecordKind : std::uint8_t {
  gzip_batch = 1,
  plain_batch = 2,
  drop = 3,  // numbers that will never come; the payload says up to which, and why
  gzip_resealed = 5,
  plain_resealed = 6
};

inline constexpr std::size_t kRecordHeaderBytes = 80;
inline constexpr std::size_t kNumberBytes = 24;

// What a batch is called.
struct BatchNumber {
  Id128 stream{};
  std::uint64_t seq = 0;
};

struct Record {
  RecordKind kind = RecordKind::gzip_batch;
  Id128 stream{};
  std::uint64_t seq = 0;      // of a batch, or the first of those dropped
  std::int64_t ts_first = 0;  // Unix milliseconds when it was sealed
  Id128 boot_id{};
  std::int64_t boottime_ms = 0;  // CLOCK_BOOTTIME when it was sealed
  std::uint32_t samples = 0;
  BatchNumber before;  // of a resealed batch: under which it is settled, for it lives on under this one
  std::string_view payload;

  [[nodiscard]] bool is_resealed() const {
    return kind == RecordKind::gzip_resealed || kind == RecordKind::plain_resealed;
  }
  [[nodiscard]] bool is_batch() const { return kind != RecordKind::drop; }
  [[nodiscard]] bool is_gzip() const {
    return kind == RecordKind::gzip_batch || kind == RecordKind::gzip_resealed;
  }
  [[nodiscard]] std::size_t bytes() const {
    return kRecordHeaderBytes + (is_resealed() ? kNumberBytes : 0) + payload.size();
  }
};

inline constexpr std::size_t kMaxPayloadBytes = 1U << 20U;  // the aggregator's limit of a compressed body
inline constexpr std::uint64_t kMaxSeq = std::uint64_t{1}
                                         << 62U;  // no agent counts up to it, nor could count on from there
inline constexpr std::size_t kDropPayloadBytes = 17;

void append_record(std::string& out, const Record& record);

// The record at the very front of `bytes`; its payload points into them. nullopt: there is none, or its
// checksum does not match.
[[nodiscard]] std::optional<Record> parse_record(std::string_view bytes);
// What a damaged or cut record at the front says it was, unproven: stream and seq; nullopt where it is no
// batch.
[[nodiscard]] std::optional<Record> guess_record(std::string_view bytes);
// Where the next magic begins, from `from` on; npos: nowhere.
[[nodiscard]] std::size_t find_magic(std::string_view bytes, std::size_t from);

// Walks through `bytes` from `at` on: `take(offset, record)` for every record, `skip(offset, size)` for what is
// none, up to the next magic or the end.
template <class Take, class Skip>
void for_each_record(std::string_view bytes, std::size_t at, Take take, Skip skip) {
  while (at < bytes.size()) {
    if (const auto record = parse_record(bytes.substr(at))) {
      take(at, *record);
      at += record->bytes();
      continue;
    }
    const std::size_t next = std::min(find_magic(bytes, at + 1), bytes.size());
    skip(at, next - at);
    at = next;
  }
}

// Batches that will never come.
struct Drop {
  Id128 stream{};
  SeqRange range;
  std::uint64_t samples = 0;
  LossReason reason = LossReason::spool_full;
};

// As the payload of a record of kind drop.
[[nodiscard]] std::string encode_drop(const Drop& drop);
// nullopt: the record is none, or not as encode_drop writes it.
[[nodiscard]] std::optional<Drop> decode_drop(const Record& record);

}  // namespace sysmon
