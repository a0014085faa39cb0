// Columns: series side by side, as readers want them, made from what is stored of one host or of many.
//
// Off a grid every column has its own times; on a grid (Columns::grid) all share the cells' starts, and a
// cell without a sample is not present. A column never holds a value that was not sent, or made from values
// that were.
//
// Threads: a Columns is not changed after it was made.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
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
  std::uint32_t host = 0;  // index among the hosts that were asked for
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

// A stored row of the journal, and of table `chunks`.
struct StoredRow {
  std::int64_t time_ms = 0;
  std::string_view payload;
};
struct StoredPart {
  std::int64_t key = 0;  // ChunkKey::pack
  std::string_view payload;
};

// What is stored of one host: parts in the order of their keys, the ticks of each chunk among them, and rows in
// any order. Where both have a sample of one time the part's counts; of several rows the first.
struct StoredHost {
  std::span<const StoredPart> parts;
  std::span<const StoredRow> rows;
};

struct ReadLimits {
  std::size_t series = SIZE_MAX;  // columns of the answer
  std::size_t points = SIZE_MAX;  // samples of a column
  std::uint32_t first_host = 0;   // what Column::host is of the first of the hosts
};

// The samples of several hosts, start included, end not; columns host by host, in the order in which their keys
// are first met. A selector of no types at all gets one column a host, its ticks, without a name and without
// values that are present. Error: malformed, where a payload is damaged or its key set is not known; too_large past
// a limit.
[[nodiscard]] Result<Columns> read_hosts(const KeySets& key_sets, std::span<const StoredHost> hosts,
                                         const Selector& selector, std::int64_t start_ms, std::int64_t end_ms,
                                         ReadLimits limits = {});

// The cells [start + k·step, + step) up to end.
// rate: the increase per second between neighbouring samples, that of a pair lying in the later one's cell;
// over several pairs their increase by their time. Never across a boot, never negative.
struct GridSpec {
  std::int64_t start_ms = 0;
  std::int64_t end_ms = 0;
  std::int64_t step_ms = 0;
  std::optional<Agg> agg;  // none: rate for counters, avg for all others
};

// The same on a grid, from samples and the cells of tiers: on a day of which there are cells they stand for its
// samples. Samples from up to `lookback_ms` before the start count as the first of a pair. Error: also
// invalid, where step or range are not positive, or cells too many.
[[nodiscard]] Result<Columns> fold_hosts(const KeySets& key_sets, std::span<const StoredHost> hosts,
                                         const Selector& selector, const GridSpec& spec,
                                         std::int64_t lookback_ms, ReadLimits limits = {});

// The columns of several answers in one.
[[nodiscard]] Columns join_columns(std::span<const Columns* const> parts);

}  // namespace sysmon
