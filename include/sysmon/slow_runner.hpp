// SlowRunner: reads the slow collectors on worker threads, so that the tick never waits for them.
//
// A reading is started when it is due and finished some time later; the tick takes over what is finished,
// once, and goes on. A collector that does not come back is reported as unavailable, and not started again
// before it does.
//
//     runner.start(tick);               // what is due
//     ...the fast collectors...
//     runner.wait(2s);                  // sample() only: the running agent does not wait
//     runner.emit(sink, on_outcome);    // what is finished
//
// Threads: all members on the collector thread (or whichever calls sample()).
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "sysmon/clock.hpp"
#include "sysmon/collector.hpp"
#include "sysmon/watched_calls.hpp"

namespace sysmon {

// After this long one blocking call (a mount, a chip) counts as stuck and is skipped.
inline constexpr std::chrono::seconds kCallPatience{5};
// The same for a whole reading. Longer, because a reading waits for its own calls first.
inline constexpr std::chrono::seconds kReadingPatience{10};

class SlowRunner {
 public:
  // How a reading went.
  struct Outcome {
    std::size_t index = 0;                // as `add` returned it
    const CollectorInfo* info = nullptr;  //
    double seconds = 0;                   // how long it took, or has been taking
    Result<void> result;                  // unavailable: it does not come back
  };
  using OnOutcome = std::function<void(const Outcome& outcome)>;

  explicit SlowRunner(std::chrono::nanoseconds patience = kReadingPatience,
                      const Clock& clock = system_clock());
  ~SlowRunner();  // returns at once; a stuck worker keeps its collector alive and is left behind

  // Returns its index: 0, 1, …  REQUIRES: `info` has static storage.
  std::size_t add(const CollectorInfo& info, std::unique_ptr<SlowCollector> collector);

  // Starts a reading of each collector whose interval is over by `tick.mono_ns`, or of all, and returns at once.
  void start(const Tick& tick, bool all = false);

  // Waits until every reading is finished or stuck, at most `most`.
  void wait(std::chrono::nanoseconds most);

  // Adds what was finished since the last call, retires the series of devices that went, and tells each
  // outcome: once a reading, once when one is first seen to be stuck, and once an interval while it stays so.
  void emit(SampleSink& out, const OnOutcome& on_outcome);

 private:
  struct Reader;  // one collector
  void take(Reader& reader, SampleSink& out);

  std::vector<std::unique_ptr<Reader>> readers_;
  std::vector<bool> emitted_;      // by series id: already in this reading
  std::vector<SeriesId> present_;  // the series of this reading
  std::vector<std::string_view> tag_views_;
  WatchedCalls calls_;
};

}  // namespace sysmon
