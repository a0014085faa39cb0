// Journal rows -> columns. What is asked for is looked up once per key set; a row is then walked up to the
// last wanted value and no further.
#include <algorithm>
#include <unordered_map>

#include "sysmon/columns.hpp"

namespace sysmon {

namespace {

// The series being filled, and where each key set has them.
class Reader {
 public:
  Reader(const KeySets& key_sets, const Selector& selector) : key_sets_(&key_sets), selector_(&selector) {}

  Result<void> take(const StoredRow& row) {
    const Result<RowView> view = RowView::parse(row.payload);
    if (!view) return view.error();
    const Wanted* wanted = wanted_of(view->key_set());
    if (wanted == nullptr || wanted->set_size < view->set_size()) {
      return Error::malformed("journal row", "its key set is not known");
    }
    note_boot(row.time_ms, view->boot());
    view->read_some(wanted->positions, samples_);
    for (std::size_t i = 0; i < samples_.values.size(); ++i) {
      Series& series = series_[wanted->series[samples_.positions[i]]];
      if (!series.times.empty() && series.times.back() == row.time_ms) continue;  // the first one won
      series.times.push_back(row.time_ms);
      series.values.push_back(samples_.values[i]);
    }
    return {};
  }

  Columns finish() {
    const auto boots = std::make_shared<const Column::Times>(std::move(boots_));
    std::vector<Column> columns;
    columns.reserve(series_.size());
    for (Series& series : series_) {
      if (series.times.empty()) continue;
      std::vector<std::uint8_t> present(series.times.size(), 1);
      columns.push_back({*series.key, std::make_shared<const Column::Times>(std::move(series.times)),
                         std::move(series.values), std::move(present), boots});
    }
    return Columns(std::move(columns));
  }

 private:
  struct Series {
    const Key* key;
    Column::Times times;
    std::vector<double> values;
  };
  struct Wanted {
    std::size_t set_size = 0;
    std::vector<std::uint32_t> positions;  // in the key set, ascending
    std::vector<std::uint32_t> series;     // in series_, as many
  };

  const Wanted* wanted_of(KeySetId id) {
    const auto found = wanted_.find(id);
    if (found != wanted_.end()) return &found->second;
    const KeySetPtr set = key_sets_->find(id);
    if (set == nullptr) return nullptr;
    Wanted wanted{set->keys.size(), {}, {}};
    for (std::uint32_t position = 0; position < set->keys.size(); ++position) {
      const Key* key = set->keys[position];
      if (!selector_->matches(*key)) continue;
      const auto [series, is_new] = series_of_.emplace(key, static_cast<std::uint32_t>(series_.size()));
      if (is_new) series_.push_back({key, {}, {}});
      wanted.positions.push_back(position);
      wanted.series.push_back(series->second);
    }
    return &wanted_.emplace(id, std::move(wanted)).first->second;
  }

  void note_boot(std::int64_t time_ms, std::uint32_t boot) {
    if (boot == 0) return;
    if (boot_ != 0 && boot != boot_) boots_.push_back(time_ms);
    boot_ = boot;
  }

  const KeySets* key_sets_;
  const Selector* selector_;
  std::unordered_map<KeySetId, Wanted> wanted_;
  std::unordered_map<const Key*, std::uint32_t> series_of_;
  std::vector<Series> series_;
  Column::Times boots_;
  std::uint32_t boot_ = 0;
  RowSamples samples_;
};

}  // namespace

Result<Columns> read_rows(const KeySets& key_sets, std::span<const StoredRow> rows, const Selector& selector,
                          std::int64_t start_ms, std::int64_t end_ms) {
  std::vector<StoredRow> in_range;
  std::ranges::copy_if(rows, std::back_inserter(in_range), [start_ms, end_ms](const StoredRow& row) {
    return row.time_ms >= start_ms && row.time_ms < end_ms;
  });
  // Stable: the first of several rows of one time stays the first.
  std::ranges::stable_sort(in_range, {}, &StoredRow::time_ms);
  Reader reader(key_sets, selector);
  for (const StoredRow& row : in_range) {
    if (Result<void> taken = reader.take(row); !taken) return taken.error();
  }
  return reader.finish();
}

}  // namespace sysmon
