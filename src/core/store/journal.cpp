// version | varint key set | u32 boot | varint set size | varint samples | u8 presence | present | codes |
// values | checksum
#include "sysmon/journal.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "core/store/bytes.hpp"

namespace sysmon {

namespace {

constexpr std::uint8_t kVersion = 1;  // do not renumber

// How one value is written, in four bits. Do not renumber. An integer code's number is its count of bytes.
enum Code : std::uint32_t {
  kZero = 0,               // +0.0, no bytes
  kInteger1 = 1,           // … 6: a whole number in 1 … 6 bytes
  kHundredths1 = 7,        // … 10: hundredths in 1 … 4 bytes
  kMillionths2 = 11,       // 2 bytes: how long something short took
  kSignedMillionths = 12,  // zigzag, 4 bytes
  kMillionths6 = 13,       // 6 bytes
  kKibibytes = 14,         // 4 bytes: memory and disks come in these
  kDouble = 15             // the double itself
};
constexpr std::array<std::uint8_t, 16> kBytes{0, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 2, 4, 6, 4, 8};
// The value is the whole number divided by this. The quotient of two exact numbers is rounded once, which is
// what reading "0.37" does too.
constexpr std::array<double, 16> kScale{1,   1,   1,   1,   1,   1,   1,          100,
                                        100, 100, 100, 1e6, 1e6, 1e6, 1.0 / 1024, 1};
constexpr std::size_t kMostInteger = 6;
constexpr std::size_t kMostHundredths = 4;
constexpr std::size_t kWord = sizeof(std::uint64_t);

constexpr double limit_of(std::size_t bytes) { return static_cast<double>(1ULL << (8U * bytes)); }
constexpr std::size_t bytes_of(std::uint64_t whole) {
  return (static_cast<std::size_t>(std::bit_width(whole)) + 7) / 8;
}

struct Coded {
  std::uint32_t code;
  std::uint64_t word;
};

// The whole number that gives exactly `value` when divided by `scale`; false where there is none below
// `limit`.
bool scales(double value, double scale, double limit, std::uint64_t& whole) {
  const double scaled = std::nearbyint(value * scale);
  if (!(scaled < limit)) return false;
  whole = static_cast<std::uint64_t>(scaled);
  return static_cast<double>(whole) / scale == value;
}

// A code that gives `value` back bit by bit; the likeliest are tried first.
Coded encode(double value) {
  std::uint64_t whole = 0;
  if (std::signbit(value)) {
    if (scales(-value, 1e6, limit_of(4) / 2, whole) && whole != 0) return {kSignedMillionths, whole * 2 - 1};
  } else if (scales(value, 1, limit_of(kMostInteger), whole)) {
    const std::size_t bytes = bytes_of(whole);
    if (bytes > kBytes[kKibibytes] && whole % 1024 == 0 && whole / 1024 <= UINT32_MAX)
      return {kKibibytes, whole / 1024};
    return {static_cast<std::uint32_t>(bytes), whole};
  } else if (scales(value, 100, limit_of(kMostHundredths), whole)) {
    return {kHundredths1 - 1 + static_cast<std::uint32_t>(bytes_of(whole)), whole};
  } else if (scales(value, 1e6, limit_of(2), whole)) {
    return {kMillionths2, whole};
  } else if (scales(value, 1e6, limit_of(4) / 2, whole)) {
    return {kSignedMillionths, whole * 2};
  } else if (scales(value, 1e6, limit_of(6), whole)) {
    return {kMillionths6, whole};
  }
  return {kDouble, std::bit_cast<std::uint64_t>(value)};
}

double decode(std::uint32_t code, std::uint64_t word) {
  if (code == kDouble) return std::bit_cast<double>(word);
  if (code == kSignedMillionths) {
    const std::uint64_t millionths = (word + 1) / 2;  // zigzag: 0, -1, 1, -2, 2 … are 0, 1, 2, 3, 4 …
    const double magnitude = static_cast<double>(millionths) / kScale[code];
    return word % 2 == 0 ? magnitude : -magnitude;
  }
  return static_cast<double>(word) / kScale[code];
}

}  // namespace

std::uint32_t hash_of_boot(std::string_view boot_id) {
  if (boot_id.empty()) return 0;
  const std::uint32_t hash = checksum(boot_id);
  return hash == 0 ? 1 : hash;
}

std::string pack_row(const RowHead& head, std::span<const std::uint32_t> positions,
                     std::span<const double> values) {
  std::string out;
  // A guess that holds for most rows: a head, a nibble and some three bytes a value.
  out.reserve(32 + values.size() * 4);
  out.push_back(static_cast<char>(kVersion));
  put_varint(out, head.key_set);
  put_fixed(out, head.boot);
  put_varint(out, head.set_size);
  put_varint(out, values.size());
  put_presence(out, head.set_size, positions);

  const std::size_t codes = out.size();
  std::size_t at = codes + (values.size() + 1) / 2;
  out.resize(at + values.size() * kWord + kWord, '\0');  // room for the longest codes; cut below
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Coded coded = encode(values[i]);
    std::memcpy(out.data() + at, &coded.word, kWord);  // the next value overwrites what is beyond its bytes
    at += kBytes[coded.code];
    char& pair = out[codes + i / 2];
    pair = static_cast<char>(static_cast<unsigned char>(pair) | (coded.code << (4 * (i % 2))));
  }
  out.resize(at);
  put_fixed(out, checksum(out));
  return out;
}

Result<RowView> RowView::parse(std::string_view payload) {
  const auto malformed = [](std::string_view what) { return Error::malformed("journal row", what); };
  const Checked checked = without_checksum(payload);
  if (!checked.ok) return malformed("the checksum does not match");
  ByteReader in(checked.bytes);
  if (in.fixed<std::uint8_t>() != kVersion) return malformed("unknown version");
  RowView row;
  const std::uint64_t key_set = in.varint();
  row.head_.boot = in.fixed<std::uint32_t>();
  const std::uint64_t set_size = in.varint();
  const std::uint64_t samples = in.varint();
  if (key_set == 0 || key_set > UINT32_MAX) return malformed("no key set");
  if (set_size > KeySets::kMaxKeysPerSet || samples > set_size) return malformed("more samples than keys");
  row.head_.key_set = static_cast<KeySetId>(key_set);
  row.head_.set_size = static_cast<std::uint32_t>(set_size);
  row.samples_ = static_cast<std::uint32_t>(samples);
  row.presence_ = Presence::take(in, row.head_.set_size, row.samples_);
  if (!in.ok()) return malformed("cut short, or presence does not fit the samples");
  row.codes_ = in.take((samples + 1) / 2);
  row.values_ = in.rest();
  if (!in.ok()) return malformed("cut short");
  std::size_t bytes = 0;
  for (std::uint32_t i = 0; i < row.samples_; ++i) bytes += kBytes[row.code(i)];
  if (bytes != row.values_.size()) return malformed("its length does not fit its samples");
  return row;
}

std::uint32_t RowView::code(std::uint32_t sample) const {
  const std::uint32_t pair = static_cast<unsigned char>(codes_[sample / 2]);
  return (pair >> (4 * (sample % 2))) & 0xFU;
}

double RowView::value(std::uint32_t code, std::size_t offset) const {
  std::uint64_t word = 0;
  // The checksum follows the values: past the last few a whole word would leave the payload.
  if (offset + kWord <= values_.size() + kChecksumBytes) {
    std::memcpy(&word, values_.data() + offset, kWord);
    if (kBytes[code] < kWord) word &= (1ULL << (8U * kBytes[code])) - 1;
  } else {
    std::memcpy(&word, values_.data() + offset, kBytes[code]);
  }
  return decode(code, word);
}

void RowView::read(RowSamples& out) const {
  presence_.read(out.positions);
  out.values.resize(samples_);
  std::size_t offset = 0;
  for (std::uint32_t i = 0; i < samples_; ++i) {
    const std::uint32_t c = code(i);
    out.values[i] = value(c, offset);
    offset += kBytes[c];
  }
}

void RowView::read_some(std::span<const std::uint32_t> wanted, RowSamples& out) const {
  out.positions.clear();
  out.values.clear();
  std::uint32_t sample = 0;  // the next sample to be passed, and where its bytes begin
  std::size_t offset = 0;
  std::uint32_t before = 0;  // samples before the present run
  std::size_t next = 0;      // index into `wanted`
  presence_.each_run([&](std::uint32_t first, std::uint32_t count) {
    while (next < wanted.size() && wanted[next] < first) ++next;
    for (; next < wanted.size() && wanted[next] - first < count; ++next) {
      const std::uint32_t target = before + wanted[next] - first;
      for (; sample < target; ++sample) offset += kBytes[code(sample)];
      out.positions.push_back(static_cast<std::uint32_t>(next));
      out.values.push_back(value(code(sample), offset));
    }
    before += count;
    return next < wanted.size();
  });
}

}  // namespace sysmon
