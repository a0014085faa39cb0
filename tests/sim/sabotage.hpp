// Sabotage: a promise that one of the seams breaks on purpose. The simulation must find each of them out
// (sysmon_sim --sabotage NAME; tests/test_sim.py), or its silence would mean nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sysmon::sim {

enum class Sabotage : std::uint8_t {
  none,
  sync_does_nothing,   // the disk says that it has synced, and has not
  names_never_synced,  // the folder likewise
  cursor_before_ack,   // what is sent counts as settled before the reply is there
  any_ack_counts,      // every 2xx is taken for an acknowledgement of what was sent
  bytes_change,        // a batch is sent again with other bytes
  drops_unsaid,        // X-SysMon-Dropped gets lost on the way
  no_jitter,           // random numbers are 0: no backoff is left
  streams_repeat,      // random numbers begin anew at each start
  no_retry_after,      // the header is not seen
  follows_redirects,   // the client goes where a 3xx points
  tick_waits,          // the collector waits for the publisher
  live_waits           // the live lane waits a quarter of an hour, as a refused one does
};

inline constexpr std::array<std::string_view, 13> kSabotages{
    "none",           "sync-does-nothing", "names-never-synced", "cursor-before-ack",
    "any-ack-counts", "bytes-change",      "drops-unsaid",       "no-jitter",
    "streams-repeat", "no-retry-after",    "follows-redirects",  "tick-waits",
    "live-waits"};

[[nodiscard]] constexpr std::optional<Sabotage> sabotage_named(std::string_view name) {
  for (std::size_t i = 0; i < kSabotages.size(); ++i) {
    if (kSabotages[i] == name) return static_cast<Sabotage>(i);
  }
  return std::nullopt;
}

}  // namespace sysmon::sim
