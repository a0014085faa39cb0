#include "sysmon/last_values.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace sysmon {

namespace {

bool is_prefix(const KeySet& front, const KeySet& whole) {
  return front.keys.size() <= whole.keys.size() &&
         std::equal(front.keys.begin(), front.keys.end(), whole.keys.begin());
}

}  // namespace

void LastValues::map(const KeySetPtr& set) {
  if (set == mapped_) return;
  mapped_ = set;
  places_.clear();
  if (known_ == nullptr || is_prefix(*known_, *set)) {  // the usual growth
    known_ = set;
  } else if (!is_prefix(*set, *known_)) {
    std::unordered_map<const Key*, std::uint32_t> slot_of;
    for (const Key* key : known_->keys) slot_of.emplace(key, static_cast<std::uint32_t>(slot_of.size()));
    auto all = std::make_shared<KeySet>(KeySet{0, known_->keys});
    for (const Key* key : set->keys) {
      const auto [slot, is_new] = slot_of.emplace(key, static_cast<std::uint32_t>(slot_of.size()));
      if (is_new) all->keys.push_back(key);
      places_.push_back(slot->second);
    }
    known_ = std::move(all);
  }
  slots_.resize(known_->keys.size());
}

Result<void> LastValues::update(std::int64_t time_ms, std::string_view payload) {
  const Result<RowView> row = RowView::parse(payload);
  if (!row) return row.error();
  const KeySetPtr set = key_sets_->find(row->key_set());
  if (set == nullptr || set->keys.size() < row->set_size()) {
    return Error::malformed("journal row", "its key set is not known");
  }
  map(set);

  // Of an earlier boot, come late: no rate may be made with it.
  bool is_of_boot = row->boot() == 0 || boot_ == 0 || row->boot() == boot_;
  if (row->boot() != 0 && time_ms > time_ms_) {
    if (!is_of_boot) boot_start_ms_ = time_ms;
    boot_ = row->boot();
    is_of_boot = true;
  }

  thread_local RowSamples samples;
  row->read(samples);
  for (std::size_t i = 0; i < samples.values.size(); ++i) {
    const std::uint32_t position = samples.positions[i];
    Slot& slot = slots_[places_.empty() ? position : places_[position]];
    if (time_ms <= slot.time_ms) continue;
    const double value = samples.values[i];
    const bool has_rate =
        slot.time_ms != kNever && is_of_boot && slot.time_ms >= boot_start_ms_ && value >= slot.value;
    slot.rate = has_rate ? (value - slot.value) * 1e3 / static_cast<double>(time_ms - slot.time_ms)
                         : std::numeric_limits<double>::quiet_NaN();
    slot.value = value;
    slot.time_ms = time_ms;
    time_ms_ = std::max(time_ms_, time_ms);
  }
  return {};
}

LastValues::Last LastValues::last(std::size_t slot) const {
  const Slot& found = slots_[slot];
  Last out{known_->keys[slot], found.value, found.time_ms, std::nullopt};
  if (std::isfinite(found.rate)) out.rate = found.rate;
  return out;
}

std::optional<LastValues::Last> LastValues::get(std::string_view key_text) const {
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    if (slots_[slot].time_ms != kNever && known_->keys[slot]->text() == key_text) return last(slot);
  }
  return std::nullopt;
}

std::vector<LastValues::Last> LastValues::find(const Selector& selector) const {
  std::vector<Last> found;
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    if (slots_[slot].time_ms != kNever && selector.matches(*known_->keys[slot])) found.push_back(last(slot));
  }
  return found;
}

std::size_t LastValues::size() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(slots_, [](const Slot& slot) { return slot.time_ms != kNever; }));
}

}  // namespace sysmon
