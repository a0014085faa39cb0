// PushParser: the JSON text of one batch -> its envelope, its values, and its keys as one string to be looked
// up.
//
// Strictness lives here (wire.md); nothing here knows key sets. All of simdjson is behind this header.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/store/inflate.hpp"
#include "sysmon/push_decoder.hpp"

namespace sysmon {

using SampleError = std::pair<std::uint32_t, std::string_view>;  // (index in metrics, code)

// The samples of one batch as they were sent; reused from push to push.
struct SentSamples {
  // Keys as sent, one sample after the other: u16 length, type, u8 tags, then per tag u16 length, key, u16
  // length, value. The same agent sends the same bytes at every tick, so that their hash is all that has to
  // be looked up. A sample without a readable key is u16 kNoKey.
  std::string sequence;
  std::vector<double> values;              // one a sample, 0 where it is rejected
  std::vector<std::int64_t> times;         // likewise
  std::vector<SampleError> rejected;       // ascending
  bool is_one_time = true;                 // all times are equal
  std::vector<std::string_view> tag_keys;  // of the sample being read

  static constexpr std::uint16_t kNoKey = UINT16_MAX;
  void clear();
  void add(double value, std::int64_t time_ms);
  void reject(std::string_view code);  // the sample added next
  void put_string(std::string_view text);
  void put_tag_count(std::size_t count) { sequence.push_back(static_cast<char>(count)); }
  void put_no_key();
};

class PushParser {
 public:
  PushParser();
  ~PushParser();

  // Fills the envelope of `push`, and `samples`. REQUIRES: simdjson's padding is readable after `text`.
  std::optional<PushFault> parse(std::string_view text, const PushLimits& limits, std::int64_t now_ms,
                                 Push& push, SentSamples& samples);
  // What it holds on to.
  [[nodiscard]] std::size_t capacity() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sysmon
