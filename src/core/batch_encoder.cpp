#include "sysmon/batch_encoder.hpp"

#include <zlib.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <new>

#include "core/utf8.hpp"

namespace sysmon {
namespace {

// Measured on 211 series of a live host: level 6 costs a third more for 1.5 percent, level 1 half for 16
// percent more bytes.
constexpr int kLevel = 5;
constexpr int kGzipWindow = 15 + 16;  // 32 KiB, gzip header and trailer
// A batch has fewer symbols than one block of it: the same bytes as with zlib's 8 within 2 of 2,000, from three quarters
// of the memory, of which half as much is cleared for every batch.
constexpr int kMemoryLevel = 7;

constexpr std::size_t kMaxNumber = 32;     // the longest double is 24 characters
constexpr std::size_t kMaxTail = 128;      // times and brackets
constexpr double kExactIntegers = 0x1p53;  // every whole number up to here is a double of its own
constexpr std::string_view kReplacement = "\xef\xbf\xbd";

void append_tags(std::string& out, const Tags& tags) {
  out += '{';
  for (const Tag& tag : tags) {
    if (out.back() != '{') out += ',';
    append_json_string(out, tag.key);
    out += ':';
    append_json_string(out, tag.value);
  }
  out += '}';
}

void append_member(std::string& out, std::string_view key, std::string_view text) {
  out += ",\"";
  out += key;
  out += "\":";
  append_json_string(out, text);
}

// The writers below put text at `out` and return its end; the caller has made room.

char* put(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* put_integer(char* out, std::int64_t number) { return std::to_chars(out, out + kMaxNumber, number).ptr; }

char* put_number(char* out, double value) {
  if (value == 0) return put(out, std::signbit(value) ? "-0.0" : "0");  // "-0" would read back as an integer
  if (std::trunc(value) == value && std::abs(value) <= kExactIntegers) {
    return put_integer(out, static_cast<std::int64_t>(value));
  }
  return std::to_chars(out, out + kMaxNumber, value).ptr;
}

// Milliseconds as seconds with three decimals, digit by digit: a double would round.
char* put_seconds(char* out, std::int64_t milliseconds) {
  if (milliseconds < 0) {  // a clock before 1970
    *out++ = '-';
    milliseconds = -milliseconds;
  }
  out = put_integer(out, milliseconds / 1000);
  const auto rest = static_cast<int>(milliseconds % 1000);
  *out++ = '.';
  *out++ = static_cast<char>('0' + rest / 100);
  *out++ = static_cast<char>('0' + rest / 10 % 10);
  *out++ = static_cast<char>('0' + rest % 10);
  return out;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
      ++at;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
      ++at;
    } else if (const std::size_t length = utf8_length(text, at); length != 0) {
      out += text.substr(at, length);
      at += length;
    } else {
      out += kReplacement;
      ++at;
    }
  }
  out += '"';
}

BatchEncoder::BatchEncoder() : deflate_(std::make_unique<z_stream_s>()) {
  // Z_DEFAULT_STRATEGY: repeated keys and slowly changing numbers are what it is made for.
  if (deflateInit2(deflate_.get(), kLevel, Z_DEFLATED, kGzipWindow, kMemoryLevel, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    throw std::bad_alloc();
  }
  set_envelope({});
}

BatchEncoder::~BatchEncoder() { deflateEnd(deflate_.get()); }

void BatchEncoder::set_envelope(const Envelope& envelope) {
  head_ = "{\"hostname\":";
  append_json_string(head_, envelope.hostname);
  append_member(head_, "version", SYSMON_VERSION);
  if (!envelope.host_tags.empty()) {
    head_ += ",\"tags\":";
    append_tags(head_, envelope.host_tags);
  }
  if (!envelope.agent_id.empty()) append_member(head_, "agent_id", envelope.agent_id);
  if (!envelope.boot_id.empty()) append_member(head_, "boot_id", envelope.boot_id);
  std::array<char, kMaxNumber> number{};
  const double seconds = static_cast<double>(envelope.interval.count()) / 1000.0;
  head_ += ",\"interval\":";
  head_.append(number.data(), put_number(number.data(), seconds));
}

void BatchEncoder::remember(const std::shared_ptr<const SeriesList>& series) {
  if (series == series_) return;
  series_ = series;
  prefixes_.clear();
  prefix_ends_.clear();
  if (!series) return;
  for (const Series& one : *series) {
    if (one.metric != nullptr) {
      prefixes_ += ",{\"type\":";
      append_json_string(prefixes_, one.metric->name);
      if (!one.tags.empty()) {
        prefixes_ += ",\"tags\":";
        append_tags(prefixes_, one.tags);
      }
      prefixes_ += ",\"value\":";
    }
    prefix_ends_.push_back(static_cast<std::uint32_t>(prefixes_.size()));
  }
}

std::string_view BatchEncoder::prefix(SeriesId id) const {
  if (id >= prefix_ends_.size()) return {};
  const std::uint32_t begin = id == 0 ? 0 : prefix_ends_[id - 1];
  return std::string_view(prefixes_).substr(begin, prefix_ends_[id] - begin);
}

std::string_view BatchEncoder::json(const SampleBatch& batch, std::span<const Sample> samples,
                                    std::string_view facts) {
  remember(batch.series);
  std::size_t room = head_.size() + facts.size() + kMaxTail;
  for (const Sample& sample : samples) room += prefix(sample.series).size() + kMaxNumber;
  if (json_.size() < room) json_.resize(room + room / 4);

  char* const begin = json_.data();
  char* out = put(begin, head_);
  out = put(out, ",\"timestamp\":");
  out = put_seconds(out, batch.wall_ms);
  out = put(out, ",\"boottime_ms\":");
  out = put_integer(out, batch.boottime_ms);
  if (!facts.empty()) {
    out = put(out, ",\"facts\":");
    out = put(out, facts);
  }
  out = put(out, ",\"metrics\":[");
  bool is_first = true;
  for (const Sample& sample : samples) {
    std::string_view start = prefix(sample.series);
    if (start.empty() || !std::isfinite(sample.value)) continue;  // retired, or no value at all
    if (is_first) start.remove_prefix(1);                         // the comma
    is_first = false;
    out = put(out, start);
    out = put_number(out, sample.value);
    *out++ = '}';
  }
  out = put(out, "]}");
  return {begin, static_cast<std::size_t>(out - begin)};
}

std::string_view BatchEncoder::gzip(std::string_view text) {
  z_stream& stream = *deflate_;
  deflateReset(&stream);
  const std::size_t bound = deflateBound(&stream, static_cast<uLong>(text.size()));
  if (gzip_.size() < bound) gzip_.resize(bound);
  // zlib's interface has no const; it only reads.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(gzip_.data());
  stream.avail_out = static_cast<uInt>(gzip_.size());
  deflate(&stream, Z_FINISH);  // ends in one call: the room is deflateBound's
  return {gzip_.data(), gzip_.size() - stream.avail_out};
}

}  // namespace sysmon
