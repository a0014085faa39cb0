#include "core/spool/record.hpp"

#include <algorithm>

#include "core/spool/crc32c.hpp"
#include "core/spool/little_endian.hpp"

namespace sysmon {
namespace {

// Not UTF-8 and not what gzip or deflate begin with: it is rare within a payload.
constexpr std::string_view kMagic{"\xF5SP\xFA", 4};
constexpr std::size_t kCrcAt = 8;
constexpr std::size_t kSummedAt = 12;
constexpr std::uint8_t kVersion = 1;

std::uint32_t checksum_of(std::string_view record) {
  return crc32c(record.substr(kSummedAt), crc32c(record.substr(4, 4)));
}

Id128 id_at(std::string_view bytes, std::size_t offset) {
  Id128 id{};
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), id.size(), id.begin());
  return id;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool is_kind(std::uint8_t kind) { return (kind >= 1 && kind <= 3) || kind == 5 || kind == 6; }

// Every field but the payload. REQUIRES: a whole header.
Record read_header(std::string_view bytes) {
  Record record;
  record.kind = static_cast<RecordKind>(bytes[13]);
  record.stream = id_at(bytes, 16);
  record.seq = fixed_at<std::uint64_t>(bytes, 32);
  record.ts_first = fixed_at<std::int64_t>(bytes, 40);
  record.boot_id = id_at(bytes, 48);
  record.boottime_ms = fixed_at<std::int64_t>(bytes, 64);
  record.samples = fixed_at<std::uint32_t>(bytes, 72);
  return record;
}

}  // namespace

Id128 parse_id128(std::string_view text) {
  Id128 id{};
  std::size_t digits = 0;
  for (const char c : text) {
    if (c == '-') continue;
    const int digit = hex_digit(c);
    if (digit < 0 || digits == 2 * id.size()) return {};
    const auto before = static_cast<unsigned char>(id[digits / 2]);
    id[digits / 2] = static_cast<char>(before * 16 + digit);
    ++digits;
  }
  return digits == 2 * id.size() ? id : Id128{};
}

std::string to_text(const Id128& id) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : id) {
    const auto value = static_cast<unsigned char>(byte);
    text += kDigits[value / 16];
    text += kDigits[value % 16];
  }
  return text;
}

void append_record(std::string& out, const Record& record) {
  const std::size_t start = out.size();
  out += kMagic;
  append_fixed(out, static_cast<std::uint32_t>(record.bytes() - kRecordHeaderBytes));
  append_fixed(out, std::uint32_t{0});  // the checksum, below
  append_fixed(out, kVersion);
  append_fixed(out, static_cast<std::uint8_t>(record.kind));
  append_fixed(out, std::uint16_t{0});
  out.append(record.stream.data(), record.stream.size());
  append_fixed(out, record.seq);
  append_fixed(out, record.ts_first);
  out.append(record.boot_id.data(), record.boot_id.size());
  append_fixed(out, record.boottime_ms);
  append_fixed(out, record.samples);
  append_fixed(out, std::uint32_t{0});
  if (record.is_resealed()) {
    out.append(record.before.stream.data(), record.before.stream.size());
    append_fixed(out, record.before.seq);
  }
  out += record.payload;
  std::string crc;
  append_fixed(crc, checksum_of(std::string_view(out).substr(start)));
  out.replace(start + kCrcAt, crc.size(), crc);
}

std::optional<Record> parse_record(std::string_view bytes) {
  if (bytes.size() < kRecordHeaderBytes || !bytes.starts_with(kMagic)) return std::nullopt;
  const auto length = fixed_at<std::uint32_t>(bytes, 4);
  if (length > kNumberBytes + kMaxPayloadBytes || bytes.size() - kRecordHeaderBytes < length)
    return std::nullopt;
  bytes = bytes.substr(0, kRecordHeaderBytes + length);
  if (fixed_at<std::uint32_t>(bytes, kCrcAt) != checksum_of(bytes)) return std::nullopt;
  // A later version's record is whole and not ours: it is skipped like a damaged one.
  if (bytes[12] != kVersion || !is_kind(static_cast<std::uint8_t>(bytes[13]))) return std::nullopt;
  Record record = read_header(bytes);
  if (record.seq > kMaxSeq) return std::nullopt;
  record.payload = bytes.substr(kRecordHeaderBytes);
  if (record.is_resealed()) {
    if (record.payload.size() < kNumberBytes) return std::nullopt;
    record.before = {id_at(record.payload, 0), fixed_at<std::uint64_t>(record.payload, sizeof(Id128))};
    if (record.before.seq > kMaxSeq) return std::nullopt;
    record.payload.remove_prefix(kNumberBytes);
  }
  if (record.payload.size() > kMaxPayloadBytes) return std::nullopt;
  return record;
}

std::optional<Record> guess_record(std::string_view bytes) {
  if (bytes.size() < kRecordHeaderBytes || !bytes.starts_with(kMagic)) return std::nullopt;
  Record record = read_header(bytes);
  if (!is_kind(static_cast<std::uint8_t>(bytes[13])) || !record.is_batch() || record.seq > kMaxSeq)
    return std::nullopt;
  return record;
}

std::size_t find_magic(std::string_view bytes, std::size_t from) { return bytes.find(kMagic, from); }

std::string encode_drop(const Drop& drop) {
  std::string payload;
  append_fixed(payload, drop.range.last);
  append_fixed(payload, drop.samples);
  append_fixed(payload, static_cast<std::uint8_t>(drop.reason));
  return payload;
}

std::optional<Drop> decode_drop(const Record& record) {
  if (record.kind != RecordKind::drop || record.payload.size() != kDropPayloadBytes) return std::nullopt;
  Drop drop;
  drop.stream = record.stream;
  drop.range = {record.seq, fixed_at<std::uint64_t>(record.payload, 0)};
  drop.samples = fixed_at<std::uint64_t>(record.payload, 8);
  const auto reason = fixed_at<std::uint8_t>(record.payload, 16);
  if (reason >= kLossReasons || drop.range.first > drop.range.last || drop.range.last > kMaxSeq)
    return std::nullopt;
  drop.reason = static_cast<LossReason>(reason);
  return drop;
}

}  // namespace sysmon
