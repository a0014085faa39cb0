// HostReader: the chunk parts and journal rows of one host -> its samples and cells, series by series.
//
// Parts come in the order of their keys, rows by time after them. Of several samples of a series at one time the
// first one given wins, so that what was compacted is not changed by what came again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/store/key_finder.hpp"
#include "sysmon/chunk.hpp"
#include "sysmon/columns.hpp"
#include "sysmon/journal.hpp"
#include "sysmon/result.hpp"

namespace sysmon {

// A cell of a tier, of a gauge or of a counter.
struct StoredCell {
  std::int64_t start_ms = 0;
  Shape shape = Shape::gauge_cell;
  double count = 0;
  double sum = 0;  // gauges
  double min = 0;  // gauges
  double max = 0;  // gauges
  double last = 0;
  double increase = 0;    // counters
  double covered_ms = 0;  // counters: over which the increase was seen
};

class HostReader {
 public:
  struct Series {
    std::uint32_t slot = 0;
    Column::Times times;
    std::vector<double> values;
    std::vector<StoredCell> cells;
  };

  // Samples in [start, end) are taken; cells wherever they begin.
  HostReader(KeyFinder& finder, std::int64_t start_ms, std::int64_t end_ms)
      : finder_(&finder), start_ms_(start_ms), end_ms_(end_ms) {}

  // Begins anew with this host. Error: malformed, where a payload is damaged, or its key set or its ticks are
  // missing.
  Result<void> read(const StoredHost& host);

  // The series that have samples or cells, in the order of their keys' slots; each in the order of time.
  [[nodiscard]] std::vector<Series>& series() { return series_; }
  // All times of samples, ascending, no two equal, whatever was wanted of them.
  [[nodiscard]] const Column::Times& times() const { return times_; }
  // When another boot was seen than before.
  [[nodiscard]] const Column::Times& boots() const { return boots_; }
  // (time, hash) wherever a boot was told and differs from the one before; the first one included.
  [[nodiscard]] const std::vector<std::pair<std::int64_t, std::uint32_t>>& boot_runs() const { return runs_; }
  // Whether cells stand for the samples of this time.
  [[nodiscard]] bool has_cells_at(std::int64_t time_ms) const;

 private:
  Result<void> take_part(const StoredPart& part);
  Result<void> take_row(const StoredRow& row);
  void clear();
  Series& series_of(std::uint32_t slot);
  // Samples of a series in one chunk.
  struct Samples {
    std::uint32_t slot = 0;
    PartView::Entry entry;
    std::shared_ptr<const Ticks> ticks;  // of the chunk
  };
  // Where the wanted range begins and ends among the ticks.
  [[nodiscard]] std::pair<std::ptrdiff_t, std::ptrdiff_t> wanted(const Column::Times& times) const;
  // Samples are read two by two: one waits for the next, of whatever chunk of the host that is.
  Result<void> read_samples(Samples samples);
  Result<void> read_waiting();
  void take_samples(const Samples& samples, const std::vector<double>& values);
  void take_cells(Series& series, const PartView::Entry& entry);
  void finish();

  KeyFinder* finder_;
  std::int64_t start_ms_;
  std::int64_t end_ms_;
  std::vector<std::uint32_t> place_of_slot_;  // in series_
  std::vector<Series> series_;
  std::shared_ptr<const Ticks> ticks_;         // of the chunk that is being read
  std::uint64_t chunk_ = 0;                    // its key, less the part
  std::vector<std::int64_t> days_with_cells_;  // their starts, ascending
  Column::Times times_;
  std::vector<std::pair<std::int64_t, std::uint32_t>> told_;  // (time, boot), in the order of reading
  std::vector<std::pair<std::int64_t, std::uint32_t>> runs_;
  Column::Times boots_;
  std::optional<Samples> waiting_;
  // Reused.
  std::vector<std::uint32_t> places_;
  std::vector<double> values_;
  std::vector<double> waiting_values_;
  RowSamples samples_;
};

}  // namespace sysmon
