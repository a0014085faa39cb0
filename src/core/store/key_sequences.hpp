// KeySequences: which key set the keys of a push are, and where in it each of them lies.
//
// An agent sends the same keys in the same order for hours, and often leaves some out (a family read once a
// minute, a latency of an idle disk). Each such sequence is looked at key by key once; after that its hash is
// enough. The hash is 128 bits wide and seeded per process, so a sender cannot make one sequence pass for
// another.
//
// Threads: every member may be called by any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/store/push_parser.hpp"
#include "core/store/two_generations.hpp"
#include "sysmon/key_sets.hpp"

namespace sysmon {

// What a sequence comes to.
struct KeyMapping {
  static constexpr std::uint32_t kNowhere = UINT32_MAX;  // a rejected sample

  KeySetPtr set;                         // nullptr where no sample has a place
  std::vector<std::uint32_t> positions;  // a sample, in the order sent
  std::vector<SampleError> rejected;     // whose keys are not acceptable, ascending
  bool is_ascending = true;              // strictly, with none rejected: a row's order already
};

class KeySequences {
 public:
  KeySequences(std::shared_ptr<KeySets> key_sets, const PushLimits& limits);

  // The mapping of SentSamples::sequence; keys that the host has not sent before make it a new set.
  std::shared_ptr<const KeyMapping> map(const std::string& hostname, const std::string& sequence);
  void remember(const std::string& hostname, const KeySetPtr& set);

 private:
  struct Hash128 {
    std::uint64_t low;
    std::uint64_t high;
    friend bool operator==(const Hash128&, const Hash128&) = default;
  };
  struct HashOf {
    std::size_t operator()(const Hash128& hash) const { return static_cast<std::size_t>(hash.low); }
  };
  [[nodiscard]] std::shared_ptr<const KeyMapping> look_at(std::string_view sequence,
                                                          const KeySetPtr& base) const;

  std::shared_ptr<KeySets> key_sets_;
  std::size_t series_per_host_;
  std::vector<char> secret_;  // of the hash
  std::mutex mutex_;          // guards the two below
  TwoGenerations<std::string, KeySetPtr> set_of_host_;
  TwoGenerations<Hash128, std::shared_ptr<const KeyMapping>, HashOf> known_;
};

}  // namespace sysmon
