#include "sysmon/compaction.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "core/store/grid.hpp"
#include "core/store/host_reader.hpp"
#include "core/store/value_codec.hpp"

namespace sysmon {

namespace {

// The set that holds every key of the series: one that was met if there is such a one, else one that begins like
// the largest. nullptr where there is no room for it.
KeySetPtr set_of(KeySets& key_sets, const KeyFinder& finder, std::span<const ChunkSeries> series) {
  const std::vector<KeySetPtr> met = finder.sets();
  const auto largest =
      std::ranges::max_element(met, {}, [](const KeySetPtr& set) { return set->keys.size(); });
  if (largest == met.end()) return nullptr;
  std::vector<const Key*> keys = (*largest)->keys;
  std::unordered_set<const Key*> held(keys.begin(), keys.end());
  for (const ChunkSeries& one : series) {
    if (held.insert(one.key).second) keys.push_back(one.key);
  }
  if (keys.size() == (*largest)->keys.size()) return *largest;
  return keys.size() > KeySets::kMaxKeysPerSet ? nullptr : key_sets.intern(keys);
}

// Ticks and series as the parts of one chunk.
Result<PackedChunk> pack(KeySets& key_sets, const KeyFinder& finder, const Ticks& ticks,
                         std::span<const ChunkSeries> series) {
  PackedChunk chunk;
  if (series.empty()) return chunk;
  const KeySetPtr set = set_of(key_sets, finder, series);
  if (set == nullptr) return Error{Error::Kind::too_large, "key set", "more keys than one set holds", 0};
  chunk.key_set = set->id;
  std::unordered_map<const Key*, const ChunkSeries*> by_key;
  for (const ChunkSeries& one : series) {
    by_key.emplace(one.key, &one);
    chunk.samples += static_cast<std::uint32_t>(one.ticks.size());
  }
  std::vector<std::vector<const ChunkSeries*>> by_part(kGroups + 1);
  for (const Key* key : set->keys) {
    const auto found = by_key.find(key);
    if (found != by_key.end()) by_part[part_of(key->type())].push_back(found->second);
  }
  chunk.parts.emplace_back(kTicksPart, pack_ticks(ticks));
  for (unsigned part = 1; part <= kGroups; ++part) {
    if (by_part[part].empty()) continue;
    chunk.parts.emplace_back(
        part, pack_part(*set, part, static_cast<std::uint32_t>(ticks.times.size()), by_part[part]));
  }
  return chunk;
}

// Where each of some times stands among the ticks. REQUIRES: both ascending, every time is a tick.
std::vector<std::uint32_t> places_among(const Column::Times& times, const Column::Times& ticks) {
  std::vector<std::uint32_t> places(times.size());
  std::uint32_t tick = 0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    while (ticks[tick] < times[i]) ++tick;
    places[i] = tick;
  }
  return places;
}

// A cell's values, each a decimal fraction where the samples were: sums of such fractions are ones again only
// once they are rounded, and nothing else packs well.
void put_cell(std::vector<std::vector<double>>& fields, const Fold& fold, Shape shape, unsigned decimals) {
  if (shape == Shape::gauge_cell) {
    const double values[] = {fold.count, to_decimals(fold.sum, decimals), fold.min, fold.max, fold.last};
    for (std::size_t i = 0; i < fields.size(); ++i) fields[i].push_back(values[i]);
  } else {
    const double values[] = {fold.count, fold.last, to_decimals(fold.increase, decimals), fold.covered_ms};
    for (std::size_t i = 0; i < fields.size(); ++i) fields[i].push_back(values[i]);
  }
}

// A series of samples as one of cells.
ChunkSeries to_cells(const Key& key, const HostReader::Series& series, const Grid& grid,
                     const HostReader& reader) {
  std::vector<Fold> folds;
  fold_series(grid, reader, series, true, folds);
  const Shape shape = is_counter(key.type()) ? Shape::counter_cell : Shape::gauge_cell;
  const unsigned decimals = decimals_of(series.values);
  ChunkSeries cells{&key, shape, {}, {}};
  std::vector<std::vector<double>> fields(fields_of(shape));
  for (std::size_t cell = 0; cell < folds.size(); ++cell) {
    if (folds[cell].count == 0) continue;
    cells.ticks.push_back(static_cast<std::uint32_t>(cell));
    put_cell(fields, folds[cell], shape, decimals);
  }
  for (const std::vector<double>& field : fields)
    cells.values.insert(cells.values.end(), field.begin(), field.end());
  return cells;
}

// Keeps only the ticks at which some series has something.
void drop_empty_ticks(Ticks& ticks, std::vector<ChunkSeries>& series) {
  std::vector<std::uint32_t> place(ticks.times.size(), 0);
  for (const ChunkSeries& one : series) {
    for (const std::uint32_t tick : one.ticks) place[tick] = 1;
  }
  Column::Times kept;
  for (std::size_t tick = 0; tick < place.size(); ++tick) {
    const bool is_used = place[tick] != 0;
    place[tick] = static_cast<std::uint32_t>(kept.size());
    if (is_used) kept.push_back(ticks.times[tick]);
  }
  ticks.times = std::move(kept);
  for (ChunkSeries& one : series) {
    for (std::uint32_t& tick : one.ticks) tick = place[tick];
  }
}

}  // namespace

Result<PackedChunk> pack_hour(KeySets& key_sets, const StoredHost& host, std::int64_t start_ms) {
  const Selector everything;
  KeyFinder finder(key_sets, everything);
  HostReader reader(finder, start_ms, start_ms + kOneHourMs);
  if (Result<void> read = reader.read(host); !read) return read.error();
  Ticks ticks{reader.times(), {}};
  for (const auto& [time_ms, boot] : reader.boot_runs()) {
    const auto tick = std::ranges::lower_bound(ticks.times, time_ms);
    if (tick != ticks.times.end())
      ticks.boots.emplace_back(static_cast<std::uint32_t>(tick - ticks.times.begin()), boot);
  }
  std::vector<ChunkSeries> series;
  for (HostReader::Series& one : reader.series()) {
    if (one.times.empty()) continue;
    series.push_back(
        {&finder.key(one.slot), Shape::sample, places_among(one.times, ticks.times), std::move(one.values)});
  }
  return pack(key_sets, finder, ticks, series);
}

Result<PackedChunk> pack_day(KeySets& key_sets, const StoredHost& host, std::int64_t start_ms,
                             std::int64_t cell_ms) {
  const Result<Grid> grid = Grid::make(start_ms, start_ms + kOneDayMs, cell_ms);
  if (!grid) return grid.error();
  const Selector everything;
  KeyFinder finder(key_sets, everything);
  HostReader reader(finder, start_ms - kOneHourMs, start_ms + kOneDayMs);
  if (Result<void> read = reader.read(host); !read) return read.error();
  std::vector<ChunkSeries> series;
  for (const HostReader::Series& one : reader.series()) {
    ChunkSeries cells = to_cells(finder.key(one.slot), one, *grid, reader);
    if (!cells.ticks.empty()) series.push_back(std::move(cells));
  }
  Ticks ticks{*grid->times, {}};
  drop_empty_ticks(ticks, series);
  return pack(key_sets, finder, ticks, series);
}

Result<std::vector<Row>> newest_rows(const KeySets& key_sets, const StoredHost& host) {
  const Selector everything;
  KeyFinder finder(key_sets, everything);
  HostReader reader(finder, std::numeric_limits<std::int64_t>::min(),
                    std::numeric_limits<std::int64_t>::max());
  if (Result<void> read = reader.read(host); !read) return read.error();
  std::map<std::int64_t, std::unordered_map<const Key*, double>> by_time;
  for (const HostReader::Series& one : reader.series()) {
    for (std::size_t i = one.times.size() - std::min<std::size_t>(one.times.size(), 2); i < one.times.size();
         ++i)
      by_time[one.times[i]].emplace(&finder.key(one.slot), one.values[i]);
  }
  const std::vector<KeySetPtr> sets = finder.sets();
  const auto largest =
      std::ranges::max_element(sets, {}, [](const KeySetPtr& set) { return set->keys.size(); });
  std::vector<Row> rows;
  for (const auto& [time_ms, values] : by_time) {
    RowSamples samples;
    for (std::uint32_t position = 0; position < (*largest)->keys.size(); ++position) {
      const auto found = values.find((*largest)->keys[position]);
      if (found == values.end()) continue;
      samples.positions.push_back(position);
      samples.values.push_back(found->second);
    }
    const auto run = std::ranges::upper_bound(reader.boot_runs(), time_ms, {},
                                              &std::pair<std::int64_t, std::uint32_t>::first);
    const std::uint32_t boot = run == reader.boot_runs().begin() ? 0 : std::prev(run)->second;
    const RowHead head{(*largest)->id, boot, static_cast<std::uint32_t>((*largest)->keys.size())};
    rows.push_back({time_ms, head.key_set, static_cast<std::uint32_t>(samples.values.size()),
                    pack_row(head, samples.positions, samples.values)});
  }
  return rows;
}

}  // namespace sysmon
