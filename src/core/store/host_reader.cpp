#include "core/store/host_reader.hpp"

#include <algorithm>
#include <numeric>

namespace sysmon {

namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::uint64_t kPartBits = 7;

Error malformed(std::string_view what) { return Error::malformed("stored samples", what); }

bool is_ascending(const Column::Times& times) {
  return std::ranges::adjacent_find(times, std::greater_equal()) == times.end();
}

// By time, the first of equal times kept.
void put_in_order(HostReader::Series& series) {
  std::vector<std::uint32_t> order(series.times.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, {}, [&series](std::uint32_t i) { return series.times[i]; });
  Column::Times times;
  std::vector<double> values;
  for (const std::uint32_t i : order) {
    if (!times.empty() && times.back() == series.times[i]) continue;
    times.push_back(series.times[i]);
    values.push_back(series.values[i]);
  }
  series.times = std::move(times);
  series.values = std::move(values);
}

}  // namespace

void HostReader::clear() {
  place_of_slot_.assign(place_of_slot_.size(), KeyFinder::kUnwanted);
  series_.clear();
  chunk_ = 0;
  ticks_.reset();
  waiting_.reset();
  days_with_cells_.clear();
  times_.clear();
  told_.clear();
  runs_.clear();
  boots_.clear();
}

Result<void> HostReader::read(const StoredHost& host) {
  clear();
  for (const StoredPart& part : host.parts) {
    if (Result<void> taken = take_part(part); !taken) return taken;
  }
  if (Result<void> read = read_waiting(); !read) return read;
  std::vector<StoredRow> rows;
  std::ranges::copy_if(host.rows, std::back_inserter(rows), [this](const StoredRow& row) {
    return row.time_ms >= start_ms_ && row.time_ms < end_ms_;
  });
  std::ranges::stable_sort(rows, {}, &StoredRow::time_ms);
  for (const StoredRow& row : rows) {
    if (Result<void> taken = take_row(row); !taken) return taken;
  }
  finish();
  return {};
}

Result<void> HostReader::take_part(const StoredPart& part) {
  const ChunkKey key = ChunkKey::unpack(part.key);
  const std::uint64_t chunk = static_cast<std::uint64_t>(part.key) & ~kPartBits;
  if (key.part == kTicksPart) {
    Result<Ticks> ticks = unpack_ticks(part.payload);
    if (!ticks) return ticks.error();
    ticks_ = std::make_shared<const Ticks>(std::move(*ticks));
    chunk_ = chunk;
    if (key.tier != 0) {
      const std::int64_t day = static_cast<std::int64_t>(key.hour) * kHourMs / kDayMs * kDayMs;
      if (days_with_cells_.empty() || days_with_cells_.back() != day) days_with_cells_.push_back(day);
      return {};
    }
    const Column::Times& times = ticks_->times;
    const auto [from, until] = wanted(times);
    times_.insert(times_.end(), times.begin() + from, times.begin() + until);
    for (const auto& [tick, boot] : ticks_->boots) told_.emplace_back(times[tick], boot);
    return {};
  }
  if (ticks_ == nullptr || chunk != chunk_) return malformed("a chunk without its ticks");
  const Result<PartView> view = PartView::parse(part.payload);
  if (!view) return view.error();
  const std::vector<std::uint32_t>* slots = finder_->members(view->key_set(), key.part);
  if (slots == nullptr || slots->size() < view->members())
    return malformed("the key set of a chunk is not known");
  if (view->ticks() != ticks_->times.size()) return malformed("a part that does not fit its ticks");
  for (const PartView::Entry& entry : view->series()) {
    const std::uint32_t slot = (*slots)[entry.member];
    if (slot == KeyFinder::kUnwanted) continue;
    if ((entry.shape == Shape::sample) != (key.tier == 0)) return malformed("cells where samples belong");
    if (key.tier == 0) {
      if (Result<void> read = read_samples({slot, entry, ticks_}); !read) return read;
    } else {
      if (Result<void> read = PartView::read(entry, values_); !read) return read;
      take_cells(series_of(slot), entry);
    }
  }
  return {};
}

HostReader::Series& HostReader::series_of(std::uint32_t slot) {
  if (slot >= place_of_slot_.size()) place_of_slot_.resize(finder_->slots(), KeyFinder::kUnwanted);
  std::uint32_t& place = place_of_slot_[slot];
  if (place == KeyFinder::kUnwanted) {
    place = static_cast<std::uint32_t>(series_.size());
    series_.push_back({slot, {}, {}, {}});
  }
  return series_[place];
}

std::pair<std::ptrdiff_t, std::ptrdiff_t> HostReader::wanted(const Column::Times& times) const {
  return {std::ranges::lower_bound(times, start_ms_) - times.begin(),
          std::ranges::lower_bound(times, end_ms_) - times.begin()};
}

Result<void> HostReader::read_samples(Samples samples) {
  if (!waiting_) {
    waiting_ = std::move(samples);
    return {};
  }
  Result<void> read = PartView::read(waiting_->entry, waiting_values_, samples.entry, values_);
  if (!read) return read;
  take_samples(*waiting_, waiting_values_);
  take_samples(samples, values_);
  waiting_.reset();
  return {};
}

Result<void> HostReader::read_waiting() {
  if (!waiting_) return {};
  if (Result<void> read = PartView::read(waiting_->entry, values_); !read) return read;
  take_samples(*waiting_, values_);
  waiting_.reset();
  return {};
}

void HostReader::take_samples(const Samples& samples, const std::vector<double>& values) {
  Series& series = series_of(samples.slot);
  const Column::Times& times = samples.ticks->times;
  if (samples.entry.ticks.is_all()) {  // as most are: one run of its ticks is wanted
    const auto [from, until] = wanted(times);
    series.times.insert(series.times.end(), times.begin() + from, times.begin() + until);
    series.values.insert(series.values.end(), values.begin() + from, values.begin() + until);
    return;
  }
  samples.entry.ticks.read(places_);
  for (std::uint32_t i = 0; i < samples.entry.count; ++i) {
    const std::int64_t time_ms = times[places_[i]];
    if (time_ms < start_ms_ || time_ms >= end_ms_) continue;
    series.times.push_back(time_ms);
    series.values.push_back(values[i]);
  }
}

void HostReader::take_cells(Series& series, const PartView::Entry& entry) {
  entry.ticks.read(places_);
  const auto field = [&](std::size_t number, std::uint32_t i) { return values_[number * entry.count + i]; };
  for (std::uint32_t i = 0; i < entry.count; ++i) {
    StoredCell cell{ticks_->times[places_[i]], entry.shape, field(0, i)};
    if (entry.shape == Shape::gauge_cell) {
      cell.sum = field(1, i);
      cell.min = field(2, i);
      cell.max = field(3, i);
      cell.last = field(4, i);
    } else {
      cell.last = field(1, i);
      cell.increase = field(2, i);
      cell.covered_ms = field(3, i);
    }
    series.cells.push_back(cell);
  }
}

Result<void> HostReader::take_row(const StoredRow& row) {
  const Result<RowView> view = RowView::parse(row.payload);
  if (!view) return view.error();
  const KeyFinder::Wanted* wanted = finder_->wanted(view->key_set());
  if (wanted == nullptr || wanted->set_size < view->set_size())
    return malformed("the key set of a journal row is not known");
  times_.push_back(row.time_ms);
  if (view->boot() != 0) told_.emplace_back(row.time_ms, view->boot());
  view->read_some(wanted->positions, samples_);
  for (std::size_t i = 0; i < samples_.values.size(); ++i) {
    Series& series = series_of(wanted->slots[samples_.positions[i]]);
    series.times.push_back(row.time_ms);
    series.values.push_back(samples_.values[i]);
  }
  return {};
}

void HostReader::finish() {
  for (Series& series : series_) {
    if (!is_ascending(series.times)) put_in_order(series);
  }
  std::ranges::sort(series_, {}, &Series::slot);
  if (!is_ascending(times_)) {
    std::ranges::sort(times_);
    times_.erase(std::unique(times_.begin(), times_.end()), times_.end());
  }
  std::ranges::stable_sort(told_, {}, &std::pair<std::int64_t, std::uint32_t>::first);
  for (const auto& [time_ms, boot] : told_) {
    if (!runs_.empty() && runs_.back().second == boot) continue;
    if (!runs_.empty()) boots_.push_back(time_ms);
    runs_.emplace_back(time_ms, boot);
  }
}

bool HostReader::has_cells_at(std::int64_t time_ms) const {
  return std::ranges::binary_search(days_with_cells_, time_ms / kDayMs * kDayMs);
}

}  // namespace sysmon
