// LossReason: why samples never reached the aggregator. The words are the tag `reason` of
// agent.samples_dropped and, where whole batches are meant, the reason in X-SysMon-Dropped.
#pragma once

#include <cstdint>
#include <string_view>

namespace sysmon {

// Do not renumber: stored in the spool.
enum class LossReason : std::uint8_t {
  ring_full,    // the publisher did not keep up with the collector
  spool_full,   // the aggregator was away for longer than the queue holds
  too_old,      // or for longer than they are of interest
  quarantined,  // the aggregator will never take the batch
  rejected,     // it took the batch, but not these samples
  corrupt       // the disk did not give back what was written to it
};
inline constexpr std::size_t kLossReasons = 6;

[[nodiscard]] constexpr std::string_view to_string(LossReason reason) {
  constexpr std::string_view kWords[kLossReasons] = {"ring_full",   "spool_full", "too_old",
                                                     "quarantined", "rejected",   "corrupt"};
  return kWords[static_cast<std::size_t>(reason)];
}

}  // namespace sysmon
