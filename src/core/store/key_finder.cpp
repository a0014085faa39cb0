#include "core/store/key_finder.hpp"

#include "sysmon/chunk.hpp"

namespace sysmon {

const KeyFinder::Wanted* KeyFinder::wanted(KeySetId id) {
  const auto found = wanted_.find(id);
  if (found != wanted_.end()) return &found->second;
  const KeySetPtr set = key_sets_->find(id);
  if (set == nullptr) return nullptr;
  Wanted wanted{set->keys.size(), {}, {}};
  for (std::uint32_t position = 0; position < set->keys.size(); ++position) {
    const Key* key = set->keys[position];
    if (!selector_->matches(*key)) continue;
    const auto [slot, is_new] = slot_of_.emplace(key, static_cast<std::uint32_t>(keys_.size()));
    if (is_new) keys_.push_back(key);
    wanted.positions.push_back(position);
    wanted.slots.push_back(slot->second);
  }
  return &wanted_.emplace(id, std::move(wanted)).first->second;
}

const std::vector<std::uint32_t>* KeyFinder::members(KeySetId id, unsigned part) {
  const auto found = members_.find({id, part});
  if (found != members_.end()) return &found->second;
  const Wanted* all = wanted(id);
  const KeySetPtr set = key_sets_->find(id);
  if (all == nullptr || set == nullptr) return nullptr;
  std::vector<std::uint32_t> slots;
  std::size_t next = 0;  // in `all`
  for (const std::uint32_t position : members_of(*set, part)) {
    while (next < all->positions.size() && all->positions[next] < position) ++next;
    const bool is_wanted = next < all->positions.size() && all->positions[next] == position;
    slots.push_back(is_wanted ? all->slots[next] : kUnwanted);
  }
  return &members_.emplace(std::pair(id, part), std::move(slots)).first->second;
}

std::vector<KeySetPtr> KeyFinder::sets() const {
  std::vector<KeySetPtr> sets;
  sets.reserve(wanted_.size());
  for (const auto& [id, wanted] : wanted_) sets.push_back(key_sets_->find(id));
  return sets;
}

}  // namespace sysmon
