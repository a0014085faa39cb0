// What is stored of hosts -> columns, as it is or on a grid.
#include <algorithm>

#include "core/store/grid.hpp"
#include "core/store/host_reader.hpp"
#include "sysmon/columns.hpp"

namespace sysmon {

namespace {

using TimesPtr = std::shared_ptr<const Column::Times>;

// Error: too_large, past a limit.
Result<void> check(std::span<const Column> columns, std::size_t checked, const ReadLimits& limits) {
  if (columns.size() > limits.series)
    return Error{Error::Kind::too_large, "columns", "more than " + std::to_string(limits.series) + " series",
                 0};
  for (const Column& column : columns.subspan(checked)) {
    if (column.values.size() > limits.points)
      return Error{Error::Kind::too_large, "columns",
                   "more than " + std::to_string(limits.points) + " points", 0};
  }
  return {};
}

// Columns of one host, their times shared where they are the same: most series have every tick.
void put_columns(HostReader& reader, const KeyFinder& finder, std::uint32_t host, std::vector<Column>& out) {
  const auto boots = std::make_shared<const Column::Times>(reader.boots());
  TimesPtr shared;
  for (HostReader::Series& series : reader.series()) {
    if (series.times.empty()) continue;
    if (shared == nullptr || *shared != series.times)
      shared = std::make_shared<const Column::Times>(std::move(series.times));
    std::vector<std::uint8_t> present(series.values.size(), 1);
    out.push_back(
        {finder.key(series.slot), host, shared, std::move(series.values), std::move(present), boots});
  }
}

// For whoever wants no series: a column without a name or a value, whose times are the host's ticks.
void put_ticks(const HostReader& reader, std::uint32_t host, std::vector<Column>& out) {
  const std::size_t count = reader.times().size();
  if (count == 0) return;
  out.push_back({Key("", {}), host, std::make_shared<const Column::Times>(reader.times()),
                 std::vector<double>(count), std::vector<std::uint8_t>(count),
                 std::make_shared<const Column::Times>(reader.boots())});
}

// Whether a series has nothing in the range, only what came before it.
bool is_before(const HostReader::Series& series, std::int64_t start_ms) {
  return (series.times.empty() || series.times.back() < start_ms) &&
         std::ranges::none_of(series.cells,
                              [start_ms](const StoredCell& cell) { return cell.start_ms >= start_ms; });
}

void put_folded(HostReader& reader, const KeyFinder& finder, std::uint32_t host, const GridSpec& spec,
                const Grid& grid, std::vector<Fold>& folds, std::vector<Column>& out) {
  const auto boots = std::make_shared<const Column::Times>(reader.boots());
  for (const HostReader::Series& series : reader.series()) {
    if (is_before(series, spec.start_ms)) continue;
    const Key& key = finder.key(series.slot);
    const Agg agg = spec.agg.value_or(is_counter(key.type()) ? Agg::rate : Agg::avg);
    fold_series(grid, reader, series, agg == Agg::rate, folds);
    out.push_back(column_of(key, host, grid, folds, agg, boots));
  }
}

}  // namespace

Result<Columns> read_hosts(const KeySets& key_sets, std::span<const StoredHost> hosts,
                           const Selector& selector, std::int64_t start_ms, std::int64_t end_ms,
                           ReadLimits limits) {
  KeyFinder finder(key_sets, selector);
  HostReader reader(finder, start_ms, end_ms);
  std::vector<Column> columns;
  for (std::uint32_t host = 0; host < hosts.size(); ++host) {
    if (Result<void> read = reader.read(hosts[host]); !read) return read.error();
    const std::size_t before = columns.size();
    if (selector.types && selector.types->empty()) {
      put_ticks(reader, limits.first_host + host, columns);
    } else {
      put_columns(reader, finder, limits.first_host + host, columns);
    }
    if (Result<void> fits = check(columns, before, limits); !fits) return fits.error();
  }
  return Columns(std::move(columns));
}

Result<Columns> fold_hosts(const KeySets& key_sets, std::span<const StoredHost> hosts,
                           const Selector& selector, const GridSpec& spec, std::int64_t lookback_ms,
                           ReadLimits limits) {
  const Result<Grid> grid = Grid::make(spec.start_ms, spec.end_ms, spec.step_ms);
  if (!grid) return grid.error();
  KeyFinder finder(key_sets, selector);
  HostReader reader(finder, spec.start_ms - lookback_ms, spec.end_ms);
  std::vector<Fold> folds;
  std::vector<Column> columns;
  for (std::uint32_t host = 0; host < hosts.size(); ++host) {
    if (Result<void> read = reader.read(hosts[host]); !read) return read.error();
    put_folded(reader, finder, limits.first_host + host, spec, *grid, folds, columns);
    if (Result<void> fits = check(columns, columns.size(), limits); !fits) return fits.error();
  }
  return Columns(std::move(columns));
}

Columns join_columns(std::span<const Columns* const> parts) {
  std::vector<Column> all;
  for (const Columns* part : parts) {
    for (std::size_t i = 0; i < part->size(); ++i) all.push_back((*part)[i]);
  }
  return Columns(std::move(all));
}

}  // namespace sysmon
