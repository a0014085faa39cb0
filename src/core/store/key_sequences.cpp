#include "core/store/key_sequences.hpp"

#include <algorithm>
#include <unordered_map>

#include "core/store/bytes.hpp"
#include "core/store/names.hpp"

namespace sysmon {

namespace {

constexpr std::size_t kHosts = 32'768;         // a generation
constexpr std::size_t kPositions = 2U << 20U;  // a generation, of all mappings: 8 MiB
constexpr std::size_t kMappingOverhead = 64;   // in positions: what a mapping costs beside them

// Reads the key of the next sample; false where it has none.
bool take_key(ByteReader& in, std::string_view& type, TagViews& tags) {
  const auto size = in.fixed<std::uint16_t>();
  if (size == SentSamples::kNoKey) return false;
  type = in.take(size);
  tags.resize(in.fixed<std::uint8_t>());
  for (auto& [key, value] : tags) {
    key = in.take(in.fixed<std::uint16_t>());
    value = in.take(in.fixed<std::uint16_t>());
  }
  std::ranges::sort(tags);
  return true;
}

// The code of what is wrong with a key; empty where nothing is.
std::string_view judge(std::string_view type, const TagViews& tags) {
  if (!is_name(type) || type.size() > kMaxMetricName) return "bad_name";
  for (const auto& [key, value] : tags) {
    if (!is_name(key) || key.size() > kMaxTagKey) return "bad_tag_key";
    if (value.size() > kMaxTagValue) return "tag_value_too_long";
    if (!is_printable(value)) return "bad_tag_value";
  }
  return {};
}

}  // namespace

KeySequences::KeySequences(std::shared_ptr<KeySets> key_sets, const PushLimits& limits)
    : key_sets_(std::move(key_sets)),
      series_per_host_(std::min(limits.series_per_host, KeySets::kMaxKeysPerSet)),
      set_of_host_(kHosts),
      known_(kPositions) {}

KeySetPtr KeySequences::base_locked(const std::string& hostname) {
  const KeySetPtr* set = set_of_host_.find(hostname);
  return set == nullptr ? nullptr : *set;
}

Hash128 KeySequences::name_of(const Hash128& hash, const KeySetPtr& base) {
  return {hash.low, base == nullptr ? hash.high : hash.high ^ (base->id * 0x9E3779B97F4A7C15U)};
}

std::shared_ptr<const KeyMapping> KeySequences::find(const std::string& hostname, const Hash128& hash) {
  const std::lock_guard lock(mutex_);
  const KeySetPtr base = base_locked(hostname);
  const auto* mapping = known_.find(name_of(hash, base));
  if (mapping == nullptr) return nullptr;
  if ((*mapping)->set != base && (*mapping)->set != nullptr) set_of_host_.put(hostname, (*mapping)->set);
  return *mapping;
}

std::shared_ptr<const KeyMapping> KeySequences::map(const std::string& hostname, const Hash128& hash,
                                                    const std::string& sequence) {
  if (auto known = find(hostname, hash)) return known;
  KeySetPtr base;
  {
    const std::lock_guard lock(mutex_);
    base = base_locked(hostname);
  }
  std::shared_ptr<const KeyMapping> mapping = look_at(sequence, base);
  const std::lock_guard lock(mutex_);
  known_.put(name_of(hash, base), mapping, mapping->positions.size() + kMappingOverhead);
  if (mapping->set != nullptr) set_of_host_.put(hostname, mapping->set);
  return mapping;
}

void KeySequences::remember(const std::string& hostname, const KeySetPtr& set) {
  const std::lock_guard lock(mutex_);
  set_of_host_.put(hostname, set);
}

std::shared_ptr<const KeyMapping> KeySequences::look_at(std::string_view sequence,
                                                        const KeySetPtr& base) const {
  auto mapping = std::make_shared<KeyMapping>();
  std::vector<const Key*> keys;
  if (base != nullptr) keys = base->keys;
  std::unordered_map<std::string_view, std::uint32_t> position_of;
  for (const Key* key : keys)
    position_of.emplace(key->text(), static_cast<std::uint32_t>(position_of.size()));

  // The position of a key, at the end of `keys` if it is new; kNowhere where there is no room for one more.
  const auto place = [&](const Key& wanted) {
    const auto known = position_of.find(wanted.text());
    if (known != position_of.end()) return known->second;
    // Asked for only now: refused keys leave nothing behind.
    const Key* key = keys.size() < series_per_host_ ? key_sets_->key(wanted.text()) : nullptr;
    if (key == nullptr) return KeyMapping::kNowhere;
    const auto position = static_cast<std::uint32_t>(keys.size());
    keys.push_back(key);
    position_of.emplace(key->text(), position);
    return position;
  };

  ByteReader in(sequence);
  std::string_view type;
  TagViews tags;
  for (std::uint32_t index = 0; !in.rest().empty(); ++index) {
    std::uint32_t position = KeyMapping::kNowhere;
    if (take_key(in, type, tags)) {
      std::string_view code = judge(type, tags);
      if (code.empty()) {
        position = place(Key(type, tags));
        if (position == KeyMapping::kNowhere) code = "series_limit";
      }
      if (!code.empty()) mapping->rejected.emplace_back(index, code);
    }
    const bool is_next = position != KeyMapping::kNowhere &&
                         (mapping->positions.empty() || position > mapping->positions.back());
    mapping->is_ascending = mapping->is_ascending && is_next;
    mapping->positions.push_back(position);
  }
  if (!keys.empty())
    mapping->set = base != nullptr && keys.size() == base->keys.size() ? base : key_sets_->intern(keys);
  return mapping;
}

}  // namespace sysmon
