// TwoGenerations: a map that forgets what was not asked for lately, without a list to keep in order.
//
// New entries go to the young generation; when that is full it becomes the old one, and the old one goes. An
// entry found in the old generation moves to the young: what is used between two changes of generation stays.
//
// Threads: none; the owner holds a lock.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <utility>

namespace sysmon {

template <class Key, class Value, class Hash = std::hash<Key>>
class TwoGenerations {
 public:
  // At most twice `capacity` in all, counted in what `put` says an entry costs.
  explicit TwoGenerations(std::size_t capacity) : capacity_(capacity) {}

  // nullptr where there is none. Valid until the next call.
  const Value* find(const Key& key) {
    if (const auto young = young_.find(key); young != young_.end()) return &young->second.value;
    const auto old = old_.find(key);
    if (old == old_.end()) return nullptr;
    Entry entry = std::move(old->second);
    old_.erase(old);
    return &add(key, std::move(entry));
  }
  void put(const Key& key, Value value, std::size_t cost = 1) {
    old_.erase(key);
    add(key, {std::move(value), cost});
  }

 private:
  struct Entry {
    Value value;
    std::size_t cost;
  };
  const Value& add(const Key& key, Entry entry) {
    if (used_ + entry.cost > capacity_) {
      old_ = std::move(young_);
      young_.clear();
      used_ = 0;
    }
    used_ += entry.cost;
    return young_.insert_or_assign(key, std::move(entry)).first->second.value;
  }

  std::size_t capacity_;
  std::size_t used_ = 0;
  std::unordered_map<Key, Entry, Hash> young_;
  std::unordered_map<Key, Entry, Hash> old_;
};

}  // namespace sysmon
