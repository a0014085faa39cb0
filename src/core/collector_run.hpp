// CollectorRun: one fast collector in the tick: when it is read, how long it takes, what becomes of its
// failures.
//
// Collector thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "sysmon/clock.hpp"
#include "sysmon/collector.hpp"

namespace sysmon {

class CollectorRun {
 public:
  // A source that is not there is looked for again this often: a module may be loaded.
  static constexpr std::chrono::seconds kLookAgain{60};
  // A reading that takes longer than this holds up all others: the collector is shed, and tried again after
  // kLookAgain. The usual reading takes some ten microseconds.
  static constexpr std::chrono::seconds kTooLong{1};

  struct Outcome {
    double seconds = 0;
    Result<void> result;
  };

  // REQUIRES: `info` and `clock` have static storage.
  CollectorRun(const CollectorInfo& info, std::unique_ptr<Collector> collector,
               const Clock& clock = system_clock());

  // Reads it if it is due, or if `all` are. nullopt where it was not read.
  std::optional<Outcome> collect(const Tick& tick, bool all, SampleSink& out);

  [[nodiscard]] const CollectorInfo& info() const { return *info_; }
  [[nodiscard]] bool is_shed() const { return is_shed_; }

 private:
  const CollectorInfo* info_;
  std::unique_ptr<Collector> collector_;
  const Clock* clock_;
  std::int64_t next_due_ns_ = INT64_MIN;
  bool is_shed_ = false;
};

}  // namespace sysmon
