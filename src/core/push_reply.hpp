// What a reply to a push means: the status table of docs/formats/wire.md, as a pure function.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sysmon/http_client.hpp"
#include "sysmon/seq_range.hpp"

namespace sysmon {

struct PushReply {
  enum class Verdict : std::uint8_t {
    acked,     // 200 that names exactly this range: committed and synced, or known before
    unknown,   // no reply, not our server, 408, 5xx: it may or may not have been stored; the same bytes again
    invalid,   // 400, 422 with our error code: these bytes will never be taken
    too_big,   // 413
    refused,   // 401, 403, 404, 405, 411, 415, 3xx …: nothing helps but a change of configuration
    conflict,  // 409: the number is taken by other bytes
    overloaded  // 429, 503
  };
  Verdict verdict = Verdict::unknown;
  bool duplicate = false;
  std::uint64_t rejected = 0;                // samples of an acked range that were not taken
  std::chrono::seconds watch{0};             // ticks of one second are wanted for so long
  std::chrono::milliseconds retry_after{0};  // at most kMaxRetryAfter; 0: not said
  int status = 0;
  std::string detail;  // one line for the log: "401 unauthorized", "connection refused"
};

inline constexpr std::chrono::minutes kMaxRetryAfter{10};

// `range` is that of the request; without one it carried no batch, and nothing of a range may come back.
[[nodiscard]] PushReply read_push_reply(const HttpReply& reply, std::string_view stream,
                                        std::optional<SeqRange> range, std::int64_t wall_ms);

// Retry-After: whole seconds or an HTTP date (RFC 9110, 10.2.3). Anything else, and what lies in the past, is
// 0.
[[nodiscard]] std::chrono::milliseconds parse_retry_after(std::string_view text, std::int64_t wall_ms);

}  // namespace sysmon
