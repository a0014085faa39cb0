// Which series a selector takes of each key set: looked up once a set, and shared by all hosts of one question.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sysmon/key_sets.hpp"
#include "sysmon/selector.hpp"

namespace sysmon {

class KeyFinder {
 public:
  static constexpr std::uint32_t kUnwanted = UINT32_MAX;

  // A key that is wanted has a number, its slot, the same in every set.
  struct Wanted {
    std::size_t set_size = 0;
    std::vector<std::uint32_t> positions;  // in the set, ascending
    std::vector<std::uint32_t> slots;      // as many
  };

  KeyFinder(const KeySets& key_sets, const Selector& selector) : key_sets_(&key_sets), selector_(&selector) {}

  // nullptr where the set is not known.
  const Wanted* wanted(KeySetId id);
  // For each member of a part in the set its slot, or kUnwanted; nullptr where the set is not known.
  const std::vector<std::uint32_t>* members(KeySetId id, unsigned part);

  [[nodiscard]] const Key& key(std::uint32_t slot) const { return *keys_[slot]; }
  [[nodiscard]] std::size_t slots() const { return keys_.size(); }
  // The sets met so far.
  [[nodiscard]] std::vector<KeySetPtr> sets() const;

 private:
  const KeySets* key_sets_;
  const Selector* selector_;
  std::unordered_map<KeySetId, Wanted> wanted_;
  std::map<std::pair<KeySetId, unsigned>, std::vector<std::uint32_t>> members_;
  std::unordered_map<const Key*, std::uint32_t> slot_of_;
  std::vector<const Key*> keys_;  // by slot
};

}  // namespace sysmon
