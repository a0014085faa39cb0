// KeySets: the ordered lists of (type, tags) that journal rows refer to, shared by all hosts.
//
// A key is what a series is called within its host: a metric type and its tags, sorted by tag key. A host
// sends nearly the same keys at every tick, and hosts of one kind send the same ones, so a journal row names
// a whole list of them by one number and carries values only. Lists are immutable; a host that shows a new
// key gets a longer list.
//
// Threads: every member may be called by any thread. Keys and sets live as long as their KeySets.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sysmon/result.hpp"

namespace sysmon {

using TagViews = std::vector<std::pair<std::string_view, std::string_view>>;

// A type and its tags in one string: "type NUL key NUL value NUL key NUL value"; neither names nor tag values
// hold a NUL (store/names.hpp), so equal texts are equal keys.
class Key {
 public:
  explicit Key(std::string text) : text_(std::move(text)) {}
  // REQUIRES: `tags` is sorted by key.
  Key(std::string_view type, const TagViews& tags);

  [[nodiscard]] std::string_view text() const { return text_; }
  [[nodiscard]] std::string_view type() const;
  [[nodiscard]] TagViews tags() const;  // sorted by key; the views point into this key
  // The value of one tag; nullptr data where the key does not have it.
  [[nodiscard]] std::string_view tag(std::string_view name) const;

 private:
  std::string text_;
};

using KeySetId = std::uint32_t;  // from 1; 0 is no set

// Keys in their order. Immutable. The pointers are those of the KeySets that made it: equal keys, equal
// pointers.
struct KeySet {
  KeySetId id = 0;
  std::vector<const Key*> keys;
};
using KeySetPtr = std::shared_ptr<const KeySet>;

class KeySets {
 public:
  KeySets() = default;
  KeySets(const KeySets&) = delete;
  KeySets& operator=(const KeySets&) = delete;

  // The one key of this text; made on first use. nullptr past kMaxKeys, a bound on memory and nothing else.
  const Key* key(std::string_view text);
  // The set of exactly these keys in this order; made, with the next free id, on first use.
  // REQUIRES: the pointers are this object's, no two equal, at least one.
  KeySetPtr intern(std::span<const Key* const> keys);

  // Puts a stored key set back under its id.
  // Error: malformed, where `blob` is not one; invalid, where the id is taken by another set.
  Result<void> load(KeySetId id, std::string_view blob);
  // The bytes to be stored (docs/formats/journal.md).
  [[nodiscard]] static std::string blob(const KeySet& set);

  [[nodiscard]] KeySetPtr find(KeySetId id) const;  // nullptr where there is none
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] KeySetId max_id() const;

  static constexpr std::size_t kMaxKeys = 5'000'000;
  static constexpr std::size_t kMaxKeysPerSet = 1U << 16U;

 private:
  const Key* key_locked(std::string_view text);
  // Under which a set of these keys is found again.
  static std::uint64_t hash_of(std::span<const Key* const> keys);
  KeySetPtr find_equal_locked(std::span<const Key* const> keys, std::uint64_t hash) const;
  void add_locked(KeySetPtr set, std::uint64_t hash);

  mutable std::shared_mutex mutex_;  // guards all below
  std::deque<Key> keys_;             // a deque: references stay valid
  std::unordered_map<std::string_view, const Key*> key_by_text_;
  std::unordered_map<KeySetId, KeySetPtr> sets_;
  std::unordered_multimap<std::uint64_t, KeySetPtr> set_by_hash_;
  KeySetId max_id_ = 0;
};

}  // namespace sysmon
