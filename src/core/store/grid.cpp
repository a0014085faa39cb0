#include "core/store/grid.hpp"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "sysmon/registry.hpp"

namespace sysmon {

namespace {

Error invalid(std::string_view where, std::string detail) {
  return {Error::Kind::invalid, std::string(where), std::move(detail), 0};
}

// Between the two times another boot began.
bool boots_between(std::span<const std::int64_t> boots, std::int64_t before_ms, std::int64_t after_ms) {
  const auto next = std::ranges::upper_bound(boots, before_ms);
  return next != boots.end() && *next <= after_ms;
}

// The sample before, for increases.
class Before {
 public:
  explicit Before(std::span<const std::int64_t> boots) : boots_(boots) {}

  // Adds what a counter grew by since the sample before.
  void step(Fold* into, std::int64_t time_ms, double value) {
    // A falling counter began anew: how much it had grown by then nobody knows.
    if (into != nullptr && known_ && value >= value_ && !boots_between(boots_, time_ms_, time_ms)) {
      into->increase += value - value_;
      into->covered_ms += static_cast<double>(time_ms - time_ms_);
    }
    set(time_ms, value);
  }
  void set(std::int64_t time_ms, double value) {
    time_ms_ = time_ms;
    value_ = value;
    known_ = true;
  }
  void set_if_later(std::int64_t time_ms, double value) {
    if (!known_ || time_ms > time_ms_) set(time_ms, value);
  }

 private:
  std::span<const std::int64_t> boots_;
  std::int64_t time_ms_ = 0;
  double value_ = 0;
  bool known_ = false;
};

// The fold of a time. Neighbours are mostly of one cell, and a division each would be most of the work.
class FoldOfTime {
 public:
  FoldOfTime(const Grid& grid, std::vector<Fold>& folds) : grid_(grid), folds_(folds.data()) {}

  // nullptr outside the grid.
  Fold* operator()(std::int64_t time_ms) {
    if (time_ms >= from_ms_ && time_ms < until_ms_) return fold_;
    const std::int64_t cell = grid_.cell_of(time_ms);
    if (!grid_.has(cell)) return nullptr;
    from_ms_ = grid_.start_ms + cell * grid_.step_ms;
    until_ms_ = from_ms_ + grid_.step_ms;
    fold_ = folds_ + cell;
    return fold_;
  }

 private:
  const Grid& grid_;
  Fold* folds_;
  Fold* fold_ = nullptr;
  std::int64_t from_ms_ = 0;  // of the cell that was asked for last, its end not included
  std::int64_t until_ms_ = 0;
};

}  // namespace

Result<Grid> Grid::make(std::int64_t start_ms, std::int64_t end_ms, std::int64_t step_ms) {
  if (step_ms <= 0) return invalid("step_ms", "must be positive");
  std::int64_t range = 0;
  if (end_ms <= start_ms || __builtin_sub_overflow(end_ms, start_ms, &range))
    return invalid("end_ms", "must be after start_ms");
  const std::int64_t cells = (range - 1) / step_ms + 1;
  if (cells > Columns::kMaxCells)
    return invalid("step_ms", "gives " + std::to_string(cells) + " cells, too many");
  auto starts = std::make_shared<Column::Times>(static_cast<std::size_t>(cells));
  for (std::int64_t cell = 0; cell < cells; ++cell)
    (*starts)[static_cast<std::size_t>(cell)] = start_ms + cell * step_ms;
  return Grid{start_ms, step_ms, static_cast<std::size_t>(cells), std::move(starts)};
}

void Fold::add(double value) {
  min = std::min(min, value);
  max = std::max(max, value);
  sum += value;
  last = value;
  ++count;
}

void Fold::add(const StoredCell& cell) {
  const bool is_gauge = cell.shape == Shape::gauge_cell;
  // Of a counter its last value is all that is known.
  min = std::min(min, is_gauge ? cell.min : cell.last);
  max = std::max(max, is_gauge ? cell.max : cell.last);
  sum += is_gauge ? cell.sum : cell.last * cell.count;
  last = cell.last;
  count += cell.count;
  increase += cell.increase;
  covered_ms += cell.covered_ms;
}

double Fold::value(Agg agg) const {
  switch (agg) {
    case Agg::min:
      return min;
    case Agg::max:
      return max;
    case Agg::last:
      return last;
    case Agg::avg:
      return sum / count;
    case Agg::rate:
      return increase / (covered_ms / 1e3);
    default:
      return sum;
  }
}

void fold_series(const Grid& grid, const HostReader& reader, const HostReader::Series& series,
                 bool with_increases, std::vector<Fold>& folds) {
  folds.assign(grid.cells, Fold());
  const std::span<const StoredCell> cells(series.cells);
  Before before(reader.boots());
  FoldOfTime fold_at(grid, folds);
  std::size_t next = 0;  // in `cells`
  const auto take_cells = [&](std::int64_t until_ms) {
    for (; next < cells.size() && cells[next].start_ms < until_ms; ++next) {
      Fold* fold = fold_at(cells[next].start_ms);
      // Of a gauge's cell the increase is that of its last values: what nobody calls a counter may be one.
      if (with_increases && cells[next].shape == Shape::gauge_cell) {
        before.step(fold, cells[next].start_ms, cells[next].last);
      } else {
        before.set_if_later(cells[next].start_ms, cells[next].last);
      }
      if (fold != nullptr) fold->add(cells[next]);
    }
  };
  // Plain pointers: of a range of many hosts this loop sees every sample.
  const std::int64_t* const times = series.times.data();
  const double* const values = series.values.data();
  for (std::size_t i = 0; i < series.times.size(); ++i) {
    take_cells(times[i]);
    if (!cells.empty() && reader.has_cells_at(times[i])) {
      before.set_if_later(times[i], values[i]);
      continue;
    }
    Fold* fold = fold_at(times[i]);
    if (with_increases) before.step(fold, times[i], values[i]);
    if (fold != nullptr) fold->add(values[i]);
  }
  take_cells(INT64_MAX);
}

Column column_of(Key key, std::uint32_t host, const Grid& grid, std::span<const Fold> folds, Agg agg,
                 std::shared_ptr<const Column::Times> boots) {
  Column column{std::move(key),
                host,
                grid.times,
                std::vector<double>(folds.size()),
                std::vector<std::uint8_t>(folds.size()),
                std::move(boots)};
  for (std::size_t cell = 0; cell < folds.size(); ++cell) {
    if (!folds[cell].has(agg)) continue;
    column.values[cell] = folds[cell].value(agg);
    column.present[cell] = 1;
  }
  return column;
}

bool is_counter(std::string_view type) {
  static const auto counters = [] {
    std::unordered_set<std::string_view> names;
    for (const MetricInfo* metric : metrics()) {
      if (metric->kind == Kind::counter) names.insert(metric->name);
    }
    return names;
  }();
  return counters.contains(type);
}

}  // namespace sysmon
