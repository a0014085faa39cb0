// PushDecoder: the body of a push -> who sent it, and the journal rows to be stored.
//
//     PushDecoder decoder(key_sets, PushLimits{});
//     DecodedPushes pushes = decoder.decode(body, /*gzip=*/true, now_ms);
//     if (!pushes.fault) for (const Push& push : pushes.batches) store(push.rows);
//
// A body is untrusted: it is inflated under a bound, parsed strictly (docs/formats/wire.md) and looked at
// whole before any of it counts. What is wrong with the push refuses it; what is wrong with one sample
// refuses that sample.
//
// Threads: decode and pack may be called by any thread, several at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sysmon/key_sets.hpp"
#include "sysmon/sample.hpp"

namespace sysmon {

struct PushLimits {
  std::size_t inflated_bytes = 8U << 20U;  // of a request, all members together; of plain JSON likewise
  std::size_t ratio = 100;                 // inflated : compressed, for members past 64 KiB
  std::size_t batches = 64;
  std::size_t samples = 20'000;  // of a request
  std::size_t metrics_per_batch = 2'000;
  std::size_t series_per_host = 2'000;
  std::size_t tags_per_metric = 16;
};

// Why a push was refused whole.
struct PushFault {
  int status = 400;  // HTTP: 400 it is not JSON, 413 it is too much, 422 it is JSON and says something else
  std::string_view code;  // a stable word; static storage
  std::string message;    // what came, what was expected
};

// One journal row. Its payload does not depend on its time.
struct Row {
  std::int64_t time_ms = 0;
  KeySetId key_set = 0;
  std::uint32_t samples = 0;
  std::string payload;
};

// One decoded batch.
struct Push {
  std::string hostname;
  std::optional<std::string> version;
  std::optional<std::string> agent_id;
  std::optional<std::string> boot_id;
  std::optional<std::int64_t> boottime_ms;
  std::optional<std::int64_t> interval_ms;
  std::int64_t time_ms = 0;  // the batch's own, or that of arrival
  bool has_time = false;     // the batch named it
  std::optional<Tags> tags;
  // Stands for hostname, agent_id, boot_id, version, interval and tags together, within this process: equal
  // where all of them are, and only there.
  std::array<char, 16> identity{};
  std::uint32_t digest = 0;              // CRC-32 of the batch's JSON text (RFC 1952); of `pack` none
  std::optional<std::string> facts;      // JSON text, minified
  std::optional<std::string> processes;  // likewise

  std::vector<Row> rows;  // one per distinct time, oldest first; none for a heartbeat
  std::size_t accepted = 0;
  std::size_t rejected = 0;
  static constexpr std::size_t kMaxErrors = 20;
  std::vector<std::pair<std::uint32_t, std::string_view>>
      errors;  // (index in metrics, code), the first kMaxErrors
};

struct DecodedPushes {
  std::vector<Push> batches;  // empty where there is a fault
  std::optional<PushFault> fault;
};

// A sample whose own time is later than this after `now_ms` and its batch's is refused: too_far_future.
inline constexpr std::int64_t kMaxFutureMs = INT64_C(10) * 60 * 1000;

class PushDecoder {
 public:
  PushDecoder(std::shared_ptr<KeySets> key_sets, PushLimits limits);
  ~PushDecoder();
  PushDecoder(const PushDecoder&) = delete;
  PushDecoder& operator=(const PushDecoder&) = delete;

  // The batches of a body: one, or one per gzip member of a bundle. `now_ms` is the time of arrival on the
  // clock that the body's times are on: a sender's own clock where its skew is put right afterwards.
  [[nodiscard]] DecodedPushes decode(std::string_view body, bool gzip, std::int64_t now_ms);

  // A batch of this machine, straight to rows.
  [[nodiscard]] Push pack(const SampleBatch& batch, std::string_view hostname, std::int64_t interval_ms);

  // Says which key set a host used last (after a restart): otherwise it would get a new one for what it
  // happens to send first. An id that is not there is ignored.
  void remember(std::string_view hostname, KeySetId key_set);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sysmon
