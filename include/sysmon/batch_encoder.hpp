// BatchEncoder: a SampleBatch -> the JSON of the wire (docs/formats/wire.md) -> gzip.
//
// The text of a series never changes, so `{"type":"disk.usage_percent","tags":{…},"value":` is written once
// per series list and copied from then on. Counters and other whole numbers are written as integers, all else
// in the fewest digits that read back to the same double. Buffers and the deflate state are kept: once they
// have grown to a host's size nothing is allocated.
//
// Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sysmon/sample.hpp"

struct z_stream_s;

namespace sysmon {

// What a batch says about its sender.
struct Envelope {
  std::string hostname{};
  Tags host_tags{};
  std::chrono::milliseconds interval{10'000};  // between two pushes: what "late" is measured by
  std::string agent_id{};                      // empty: left out
  std::string boot_id{};                       // empty: left out
};

class BatchEncoder {
 public:
  BatchEncoder();
  ~BatchEncoder();
  BatchEncoder(const BatchEncoder&) = delete;
  BatchEncoder& operator=(const BatchEncoder&) = delete;

  void set_envelope(const Envelope& envelope);

  // The JSON document of these samples of `batch` (all of them, or a part of a batch past the aggregator's
  // limit). `facts` is a JSON object, or empty to leave it out. Valid until the next call.
  [[nodiscard]] std::string_view json(const SampleBatch& batch, std::span<const Sample> samples,
                                      std::string_view facts = {});

  // One gzip member of `text`. Valid until the next call.
  [[nodiscard]] std::string_view gzip(std::string_view text);

 private:
  void remember(const std::shared_ptr<const SeriesList>& series);
  [[nodiscard]] std::string_view prefix(SeriesId id) const;

  std::string head_;  // `{"hostname":…,"interval":10` with everything that does not change
  std::shared_ptr<const SeriesList> series_;  // what prefixes_ belongs to, compared by pointer
  std::string prefixes_;
  std::vector<std::uint32_t> prefix_ends_;
  std::string json_;
  std::string gzip_;
  std::unique_ptr<z_stream_s> deflate_;
};

// Appends `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace sysmon
