#include "sysmon/key_sets.hpp"

#include <algorithm>
#include <mutex>

#include "core/store/bytes.hpp"

namespace sysmon {

namespace {

constexpr char kSeparator = '\0';
constexpr std::uint8_t kVersion = 1;  // of the stored form; do not renumber
constexpr std::size_t kMaxStoredBytes =
    16U << 20U;  // of all texts of one stored set: a bound on memory, nothing else

// The part of `text` up to the next separator, which is taken off with it.
std::string_view take_field(std::string_view& text) {
  const std::string_view field = text.substr(0, text.find(kSeparator));
  text.remove_prefix(std::min(field.size() + 1, text.size()));
  return field;
}

}  // namespace

Key::Key(std::string_view type, const TagViews& tags) : text_(type) {
  for (const auto& [key, value] : tags) {
    text_.push_back(kSeparator);
    text_.append(key);
    text_.push_back(kSeparator);
    text_.append(value);
  }
}

std::string_view Key::type() const { return text().substr(0, text().find(kSeparator)); }

TagViews Key::tags() const {
  TagViews found;
  std::string_view rest = text().substr(type().size());
  while (!rest.empty()) {  // at a separator
    rest.remove_prefix(1);
    const std::string_view key = take_field(rest);
    const std::string_view value = rest.substr(0, rest.find(kSeparator));
    rest.remove_prefix(value.size());
    found.emplace_back(key, value);
  }
  return found;
}

std::string_view Key::tag(std::string_view name) const {
  for (const auto& [key, value] : tags()) {
    if (key == name) return value;
  }
  return {};
}

const Key* KeySets::key(std::string_view text) {
  {
    const std::shared_lock lock(mutex_);
    const auto found = key_by_text_.find(text);
    if (found != key_by_text_.end()) return found->second;
  }
  const std::unique_lock lock(mutex_);
  return key_locked(text);
}

const Key* KeySets::key_locked(std::string_view text) {
  const auto found = key_by_text_.find(text);
  if (found != key_by_text_.end()) return found->second;
  if (keys_.size() >= kMaxKeys) return nullptr;
  const Key& made = keys_.emplace_back(std::string(text));
  key_by_text_.emplace(made.text(), &made);
  return &made;
}

std::uint64_t KeySets::hash_of(std::span<const Key* const> keys) {
  return XXH3_64bits(static_cast<const void*>(keys.data()),
                     keys.size_bytes());  // equal keys are equal pointers
}

KeySetPtr KeySets::find_equal_locked(std::span<const Key* const> keys, std::uint64_t hash) const {
  const auto [first, last] = set_by_hash_.equal_range(hash);
  const auto found = std::find_if(
      first, last, [keys](const auto& entry) { return std::ranges::equal(entry.second->keys, keys); });
  return found == last ? nullptr : found->second;
}

void KeySets::add_locked(KeySetPtr set, std::uint64_t hash) {
  max_id_ = std::max(max_id_, set->id);
  set_by_hash_.emplace(hash, set);
  sets_.emplace(set->id, std::move(set));
}

KeySetPtr KeySets::intern(std::span<const Key* const> keys) {
  const std::uint64_t hash = hash_of(keys);
  const std::unique_lock lock(mutex_);
  KeySetPtr set = find_equal_locked(keys, hash);
  if (set == nullptr) {
    set = std::make_shared<KeySet>(KeySet{max_id_ + 1, {keys.begin(), keys.end()}});
    add_locked(set, hash);
  }
  return set;
}

KeySetPtr KeySets::find(KeySetId id) const {
  const std::shared_lock lock(mutex_);
  const auto found = sets_.find(id);
  return found == sets_.end() ? nullptr : found->second;
}

std::size_t KeySets::size() const {
  const std::shared_lock lock(mutex_);
  return sets_.size();
}

KeySetId KeySets::max_id() const {
  const std::shared_lock lock(mutex_);
  return max_id_;
}

// version | varint count | per key: varint shared, varint rest, rest | checksum.  Neighbouring keys share
// most of their text ("disk.read_bytes NUL device NUL sda"), so each is written as what differs from the one
// before.
std::string KeySets::blob(const KeySet& set) {
  std::string out(1, static_cast<char>(kVersion));
  put_varint(out, set.keys.size());
  std::string_view before;
  for (const Key* key : set.keys) {
    const std::string_view text = key->text();
    const auto shared = static_cast<std::size_t>(std::ranges::mismatch(text, before).in1 - text.begin());
    put_varint(out, shared);
    put_varint(out, text.size() - shared);
    out.append(text.substr(shared));
    before = text;
  }
  put_fixed(out, checksum(out));
  return out;
}

Result<void> KeySets::load(KeySetId id, std::string_view blob) {
  const auto malformed = [id](std::string_view what) {
    return Error::malformed("key set " + std::to_string(id), what);
  };
  if (id == 0) return Error{Error::Kind::invalid, "key set 0", "ids start at 1"};
  const Checked checked = without_checksum(blob);
  if (!checked.ok) return malformed("the checksum does not match");
  ByteReader in(checked.bytes);
  if (in.fixed<std::uint8_t>() != kVersion) return malformed("unknown version");
  const std::uint64_t count = in.varint();
  if (count == 0 || count > kMaxKeysPerSet) return malformed("no keys, or too many");
  std::vector<std::string> texts;
  std::size_t bytes = 0;
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    const std::uint64_t shared = in.varint();
    const std::uint64_t rest = in.varint();
    if (shared > (texts.empty() ? 0 : texts.back().size()))
      return malformed("a key shares more than there is");
    std::string text = texts.empty() ? std::string() : texts.back().substr(0, shared);
    text.append(in.take(rest));
    // A type, then pairs: an even number of separators.
    if (text.empty() || std::ranges::count(text, kSeparator) % 2 != 0) return malformed("a key is not one");
    bytes += text.size();
    if (bytes > kMaxStoredBytes) return malformed("more text than can be held");
    texts.push_back(std::move(text));
  }
  if (!in.ok() || !in.rest().empty()) return malformed("its length does not fit its keys");

  const std::unique_lock lock(mutex_);
  std::vector<const Key*> keys;
  keys.reserve(texts.size());
  for (const std::string& text : texts) {
    const Key* key = key_locked(text);
    if (key == nullptr) return Error{Error::Kind::too_large, "key sets", "more keys than can be held"};
    keys.push_back(key);
  }
  std::vector<const Key*> sorted = keys;
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end()) return malformed("a key comes twice");
  const auto present = sets_.find(id);
  if (present != sets_.end()) {
    if (present->second->keys == keys) return {};
    return Error{Error::Kind::invalid, "key set " + std::to_string(id), "the id belongs to another set"};
  }
  add_locked(std::make_shared<KeySet>(KeySet{id, keys}), hash_of(keys));
  return {};
}

}  // namespace sysmon
