// Samples and cells -> the cells of a grid.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "core/store/host_reader.hpp"
#include "sysmon/columns.hpp"
#include "sysmon/result.hpp"

namespace sysmon {

struct Grid {
  std::int64_t start_ms = 0;
  std::int64_t step_ms = 0;
  std::size_t cells = 0;
  std::shared_ptr<const Column::Times> times;  // where each cell begins

  // Error: invalid, where step or range are not positive, or cells too many.
  static Result<Grid> make(std::int64_t start_ms, std::int64_t end_ms, std::int64_t step_ms);

  // The cell of a time; `cells` or more, or negative, where it lies outside.
  [[nodiscard]] std::int64_t cell_of(std::int64_t time_ms) const {
    const std::int64_t since = time_ms - start_ms;
    return since < 0 ? -1 : since / step_ms;
  }
  [[nodiscard]] bool has(std::int64_t cell) const {
    return cell >= 0 && cell < static_cast<std::int64_t>(cells);
  }
};

// What falls into one cell of a grid.
struct Fold {
  double count = 0;
  double sum = 0;
  double min = std::numeric_limits<double>::infinity();
  double max = -std::numeric_limits<double>::infinity();
  double last = 0;
  // Between neighbouring samples, each pair in the later one's cell; never across a boot, never negative.
  double increase = 0;
  double covered_ms = 0;  // the time between the pairs that gave an increase

  void add(double value);
  void add(const StoredCell& cell);
  // REQUIRES: has(agg).
  [[nodiscard]] double value(Agg agg) const;
  [[nodiscard]] bool has(Agg agg) const { return agg == Agg::rate ? covered_ms > 0 : count > 0; }
};

// One series of a reader on a grid, cell by cell, into `folds`. On days of which there are cells a sample counts
// only as the one before the next. Increases are left out where nobody asks for them.
void fold_series(const Grid& grid, const HostReader& reader, const HostReader::Series& series,
                 bool with_increases, std::vector<Fold>& folds);

// What one agg makes of the cells of a series.
[[nodiscard]] Column column_of(Key key, std::uint32_t host, const Grid& grid, std::span<const Fold> folds,
                               Agg agg, std::shared_ptr<const Column::Times> boots);

// Whether a type is a counter, by the registry.
[[nodiscard]] bool is_counter(std::string_view type);

}  // namespace sysmon
