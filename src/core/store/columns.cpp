#include "sysmon/columns.hpp"

#include <algorithm>
#include <iterator>

namespace sysmon {

namespace {

// Folds the values that fall into one cell.
class Cell {
 public:
  void add(double value) {
    sum_ += value;
    min_ = count_ == 0 ? value : std::min(min_, value);
    max_ = count_ == 0 ? value : std::max(max_, value);
    last_ = value;
    ++count_;
  }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] double fold(Agg agg) const {
    switch (agg) {
      case Agg::min:
        return min_;
      case Agg::max:
        return max_;
      case Agg::last:
        return last_;
      case Agg::avg:
        return sum_ / static_cast<double>(count_);
      default:
        return sum_;
    }
  }

 private:
  double sum_ = 0;
  double min_ = 0;
  double max_ = 0;
  double last_ = 0;
  std::size_t count_ = 0;
};

struct Grid {
  std::int64_t start_ms;
  std::int64_t step_ms;
  std::size_t cells;
  std::shared_ptr<const Column::Times> times;

  // The cell of a time; `cells` or more, or negative, where it lies outside.
  [[nodiscard]] std::int64_t cell_of(std::int64_t time_ms) const {
    const std::int64_t since = time_ms - start_ms;
    return since < 0 ? -1 : since / step_ms;
  }
  [[nodiscard]] Column empty_column(const Column& from) const {
    return {from.key, times, std::vector<double>(cells), std::vector<std::uint8_t>(cells), from.boots};
  }
  [[nodiscard]] bool has(std::int64_t cell) const {
    return cell >= 0 && cell < static_cast<std::int64_t>(cells);
  }
};

void put(Column& out, std::size_t cell, double value) {
  out.values[cell] = value;
  out.present[cell] = 1;
}

Column fold_into(const Grid& grid, const Column& from, Agg agg) {
  Column out = grid.empty_column(from);
  Cell cell;
  std::int64_t at = -1;  // the cell being filled
  const auto close = [&] {
    if (!cell.empty()) put(out, static_cast<std::size_t>(at), cell.fold(agg));
    cell = Cell();
  };
  for (std::size_t i = 0; i < from.values.size(); ++i) {
    const std::int64_t next = grid.cell_of((*from.times)[i]);
    if (from.present[i] == 0 || !grid.has(next)) continue;
    if (next != at) close();
    at = next;
    cell.add(from.values[i]);
  }
  close();
  return out;
}

// Between the two times another boot began.
bool boots_between(const Column::Times& boots, std::int64_t before_ms, std::int64_t after_ms) {
  const auto next = std::ranges::upper_bound(boots, before_ms);
  return next != boots.end() && *next <= after_ms;
}

Column rate_into(const Grid& grid, const Column& from) {
  Column out = grid.empty_column(from);
  const Column::Times& times = *from.times;
  double increase = 0;
  double seconds = 0;
  std::int64_t at = -1;
  const auto close = [&] {
    if (seconds > 0) put(out, static_cast<std::size_t>(at), increase / seconds);
    increase = seconds = 0;
  };
  std::size_t before = 0;
  bool has_before = false;
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (from.present[i] == 0) continue;
    const std::int64_t next = grid.cell_of(times[i]);
    // A falling counter began anew: how much it had grown by then nobody knows.
    if (has_before && grid.has(next) && from.values[i] >= from.values[before] &&
        !boots_between(*from.boots, times[before], times[i])) {
      if (next != at) close();
      at = next;
      increase += from.values[i] - from.values[before];
      seconds += static_cast<double>(times[i] - times[before]) / 1e3;
    }
    before = i;
    has_before = true;
  }
  close();
  return out;
}

Error invalid(std::string_view where, std::string detail) {
  return {Error::Kind::invalid, std::string(where), std::move(detail), 0};
}

}  // namespace

Result<Columns> Columns::grid(std::int64_t start_ms, std::int64_t end_ms, std::int64_t step_ms,
                              std::span<const Agg> aggs) const {
  if (aggs.size() != size()) return invalid("aggs", "one is needed for each column");
  if (step_ms <= 0) return invalid("step_ms", "must be positive");
  std::int64_t range = 0;
  if (end_ms <= start_ms || __builtin_sub_overflow(end_ms, start_ms, &range)) {
    return invalid("end_ms", "must be after start_ms");
  }
  const std::int64_t cells = (range - 1) / step_ms + 1;
  if (cells > kMaxCells) return invalid("step_ms", "gives " + std::to_string(cells) + " cells, too many");

  auto starts = std::make_shared<Column::Times>(static_cast<std::size_t>(cells));
  for (std::int64_t cell = 0; cell < cells; ++cell)
    (*starts)[static_cast<std::size_t>(cell)] = start_ms + cell * step_ms;
  const Grid grid{start_ms, step_ms, static_cast<std::size_t>(cells), starts};
  std::vector<Column> out;
  out.reserve(size());
  for (std::size_t i = 0; i < size(); ++i) {
    out.push_back(aggs[i] == Agg::rate ? rate_into(grid, columns_[i])
                                       : fold_into(grid, columns_[i], aggs[i]));
  }
  return Columns(std::move(out));
}

Result<Columns> Columns::across(Agg agg, std::span<const std::uint32_t> groups) const {
  if (agg == Agg::last || agg == Agg::rate) return invalid("agg", "avg, sum, min or max was expected");
  if (groups.size() != size()) return invalid("groups", "one is needed for each column");
  if (columns_.empty()) return Columns({});
  const Column::Times& times = *columns_.front().times;
  if (!std::ranges::all_of(columns_, [&times](const Column& column) {
        return column.times.get() == &times || *column.times == times;
      })) {
    return invalid("columns", "are not on one grid");
  }
  const std::size_t count = std::ranges::max(groups) + std::size_t{1};
  if (count > size()) return invalid("groups", "must be numbered from 0 without a gap");

  std::vector<Column> out;
  std::vector<Cell> cells(times.size());
  for (std::uint32_t group = 0; group < count; ++group) {
    std::ranges::fill(cells, Cell());
    const Column* first = nullptr;
    bool is_one_type = true;
    for (std::size_t i = 0; i < size(); ++i) {
      if (groups[i] != group) continue;
      const Column& column = columns_[i];
      if (first == nullptr) first = &column;
      is_one_type = is_one_type && column.key.type() == first->key.type();
      for (std::size_t cell = 0; cell < cells.size(); ++cell) {
        if (column.present[cell] != 0) cells[cell].add(column.values[cell]);
      }
    }
    if (first == nullptr) return invalid("groups", "must be numbered from 0 without a gap");
    Column folded{Key(is_one_type ? first->key.type() : std::string_view(), {}), columns_.front().times,
                  std::vector<double>(cells.size()), std::vector<std::uint8_t>(cells.size()), first->boots};
    for (std::size_t cell = 0; cell < cells.size(); ++cell) {
      if (!cells[cell].empty()) put(folded, cell, cells[cell].fold(agg));
    }
    out.push_back(std::move(folded));
  }
  return Columns(std::move(out));
}

Columns join_columns(std::span<const Columns* const> parts) {
  std::vector<Column> all;
  for (const Columns* part : parts) {
    for (std::size_t i = 0; i < part->size(); ++i) all.push_back((*part)[i]);
  }
  return Columns(std::move(all));
}

}  // namespace sysmon
