// KeySequences: which key set the keys of a push are, and where in it each of them lies.
//
// An agent sends the same keys in the same order for hours, and often leaves some out (a family read once a
// minute, a latency of an idle disk). Each such sequence is looked at key by key once; after that its hash is
// enough.
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
#include "core/store/secret_hash.hpp"
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

  // What stands for a SentSamples::sequence.
  [[nodiscard]] Hash128 hash(std::string_view sequence) const { return hash_(sequence); }
  // The mapping of a sequence for this host, if it was looked at before and not forgotten; nullptr otherwise.
  std::shared_ptr<const KeyMapping> find(const std::string& hostname, const Hash128& hash);
  // The same, looking at the sequence if need be: keys that the host has not sent before make it a new set.
  std::shared_ptr<const KeyMapping> map(const std::string& hostname, const Hash128& hash,
                                        const std::string& sequence);
  void remember(const std::string& hostname, const KeySetPtr& set);

 private:
  [[nodiscard]] KeySetPtr base_locked(const std::string& hostname);
  // The same keys lie elsewhere in another set.
  [[nodiscard]] static Hash128 name_of(const Hash128& hash, const KeySetPtr& base);
  [[nodiscard]] std::shared_ptr<const KeyMapping> look_at(std::string_view sequence,
                                                          const KeySetPtr& base) const;

  std::shared_ptr<KeySets> key_sets_;
  std::size_t series_per_host_;
  SecretHash hash_;
  std::mutex mutex_;  // guards the two below
  TwoGenerations<std::string, KeySetPtr> set_of_host_;
  TwoGenerations<Hash128, std::shared_ptr<const KeyMapping>, HashOfHash> known_;
};

}  // namespace sysmon
