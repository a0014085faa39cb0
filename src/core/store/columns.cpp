#include "sysmon/columns.hpp"

#include <algorithm>

#include "core/store/grid.hpp"

namespace sysmon {

namespace {

Error invalid(std::string_view where, std::string detail) {
  return {Error::Kind::invalid, std::string(where), std::move(detail), 0};
}

}  // namespace

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
  std::vector<Fold> cells(times.size());
  for (std::uint32_t group = 0; group < count; ++group) {
    std::ranges::fill(cells, Fold());
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
    const Grid grid{0, 0, cells.size(), columns_.front().times};
    out.push_back(column_of(Key(is_one_type ? first->key.type() : std::string_view(), {}), first->host, grid,
                            cells, agg, first->boots));
  }
  return Columns(std::move(out));
}

}  // namespace sysmon
