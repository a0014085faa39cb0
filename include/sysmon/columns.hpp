// Columns: series side by side, as readers want them. read_rows makes them from one host's journal rows.
//
// Off a grid every column has its own times; on a grid (Columns::grid) all share the cells' starts, and a
// cell without a sample is not present. A column never holds a value that was not sent, or made from values
// that were.
//
// Threads: a Columns is not changed after it was made.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sysmon/journal.hpp"
#include "sysmon/key_sets.hpp"
#include "sysmon/result.hpp"
#include "sysmon/selector.hpp"

namespace sysmon {

enum class Agg : std::uint8_t { avg, min, max, last, sum, rate };

struct Column {
  using Times = std::vector<std::int64_t>;  // Unix milliseconds, ascending, no two equal

  Key key;
  std::shared_ptr<const Times> times;
  std::vector<double> values;         // as many as times
  std::vector<std::uint8_t> present;  // as many as times: 1 where there is a value
  // When the host was seen to have another boot_id than before, ascending; shared by the columns of a host.
  std::shared_ptr<const Times> boots;
};

class Columns {
 public:
  explicit Columns(std::vector<Column> columns) : columns_(std::move(columns)) {}

  [[nodiscard]] std::size_t size() const { return columns_.size(); }
  [[nodiscard]] const Column& operator[](std::size_t column) const { return columns_[column]; }

  // Every column on the cells [start + k·step, + step) up to end, one agg a column.
  // rate: the increase per second between neighbouring samples, that of a pair lying in the later one's cell;
  // over several pairs their increase by their time. Never across a boot, never negative. A sample before
  // `start` counts as the first of a pair, so read some earlier rows for it. Error: invalid, where aggs are
  // not as many as columns, step or range are not positive, or cells too many.
  [[nodiscard]] Result<Columns> grid(std::int64_t start_ms, std::int64_t end_ms, std::int64_t step_ms,
                                     std::span<const Agg> aggs) const;

  // Column i folded, cell by cell, into column groups[i] of the answer; its key is the type that all of them
  // share. Error: invalid, where the columns are not on one grid, groups are not as many, or agg is last or
  // rate.
  [[nodiscard]] Result<Columns> across(Agg agg, std::span<const std::uint32_t> groups) const;

  // `{head,"times":[…],"values":[…]}` a column, joined by commas. Times in seconds, absent values null.
  // REQUIRES: as many heads as columns.
  [[nodiscard]] std::string json(std::span<const std::string_view> heads) const;

  static constexpr std::int64_t kMaxCells = 1'000'000;

 private:
  std::vector<Column> columns_;
};

// A stored row.
struct StoredRow {
  std::int64_t time_ms = 0;
  std::string_view payload;
};

// The samples of one host, start included, end not; rows in any order, of several rows of one time the first
// wins. Columns are in the order in which their keys are first met. Error: malformed, where a payload is
// damaged or its key set is not known.
[[nodiscard]] Result<Columns> read_rows(const KeySets& key_sets, std::span<const StoredRow> rows,
                                        const Selector& selector, std::int64_t start_ms, std::int64_t end_ms);

// The columns of several hosts in one.
[[nodiscard]] Columns join_columns(std::span<const Columns* const> parts);

}  // namespace sysmon
