#include "sysmon/slow_runner.hpp"

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>

namespace sysmon {
namespace {

// A tick that comes this little too early counts as due: ticks jitter, intervals are long.
constexpr std::int64_t kEarlyNs = 500'000'000;

// What a worker and the collector thread share. The worker keeps it alive while it is stuck.
struct Job {
  std::unique_ptr<SlowCollector> collector;  // the worker's while a reading runs
  std::mutex mutex;                          // guards what follows
  bool finished = false;                     // and not yet taken
  double seconds = 0;
  Result<void> result;
  std::vector<Reading> readings;
};

// One reading, on a worker: never two at a time, because WatchedCalls starts no second call with the same
// key.
void read_once(Job& job) {
  std::vector<Reading> readings;
  const auto begin = std::chrono::steady_clock::now();
  Result<void> result = job.collector->gather(readings);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const std::lock_guard lock(job.mutex);
  job.readings.swap(readings);
  job.result = std::move(result);
  job.seconds = took.count();
  job.finished = true;
}

}  // namespace

struct SlowRunner::Reader {
  const CollectorInfo* info = nullptr;
  std::shared_ptr<Job> job = std::make_shared<Job>();
  std::int64_t next_due_ns = 0;
  bool was_started = false;
  bool tell_stuck = true;         // at the first sight of it, and again each time it should have been read
  std::vector<Reading> readings;  // taken from the job
  std::vector<SeriesId> series;   // emitted last time
};

SlowRunner::SlowRunner(std::chrono::nanoseconds patience, const Clock& clock) : calls_(patience, clock) {}

SlowRunner::~SlowRunner() = default;

std::size_t SlowRunner::add(const CollectorInfo& info, std::unique_ptr<SlowCollector> collector) {
  auto reader = std::make_unique<Reader>();
  reader->info = &info;
  reader->job->collector = std::move(collector);
  readers_.push_back(std::move(reader));
  return readers_.size() - 1;
}

void SlowRunner::start(const Tick& tick, bool all) {
  for (const auto& reader : readers_) {
    if (!all && reader->was_started && tick.mono_ns + kEarlyNs < reader->next_due_ns) continue;
    const std::int64_t interval = std::chrono::nanoseconds(reader->info->interval).count();
    // On a grid, so that jitter does not add up; anew from here after a pause.
    const bool on_time = reader->was_started && reader->next_due_ns + interval > tick.mono_ns;
    reader->next_due_ns = (on_time ? reader->next_due_ns : tick.mono_ns) + interval;
    reader->was_started = true;
    if (!calls_.start(reader->info->name, [job = reader->job] { read_once(*job); }))
      reader->tell_stuck = true;
  }
  calls_.tend();
}

void SlowRunner::wait(std::chrono::nanoseconds most) { calls_.wait(most); }

void SlowRunner::emit(SampleSink& out, const OnOutcome& on_outcome) {
  for (std::size_t index = 0; index < readers_.size(); ++index) {
    Reader& reader = *readers_[index];
    Outcome outcome;
    outcome.index = index;
    outcome.info = reader.info;
    bool finished = false;
    {
      const std::lock_guard lock(reader.job->mutex);
      finished = std::exchange(reader.job->finished, false);
      if (finished) {
        reader.readings.swap(reader.job->readings);
        outcome.result = std::move(reader.job->result);
        outcome.seconds = reader.job->seconds;
      }
    }
    if (finished) {
      reader.tell_stuck = true;
      // What could not be read for once is not gone.
      const bool knows_nothing =
          !outcome.result.ok() && outcome.result.error().kind != Error::Kind::not_found;
      if (!reader.readings.empty() || !knows_nothing) take(reader, out);
      on_outcome(outcome);
    } else if (const auto stuck = calls_.stuck_for(reader.info->name); stuck && reader.tell_stuck) {
      reader.tell_stuck = false;
      outcome.seconds = std::chrono::duration<double>(*stuck).count();
      const auto whole_seconds = std::chrono::duration_cast<std::chrono::seconds>(*stuck).count();
      outcome.result = Error{Error::Kind::unavailable, std::string(reader.info->name),
                             "its reading has not returned for " + std::to_string(whole_seconds) + " s", 0};
      on_outcome(outcome);
    }
  }
}

void SlowRunner::take(Reader& reader, SampleSink& out) {
  present_.clear();
  for (const Reading& reading : reader.readings) {
    tag_views_.assign(reading.tag_values.begin(), reading.tag_values.end());
    const SeriesId id = out.series(*reading.metric, tag_views_);
    if (id == kNoSeries) continue;
    if (emitted_.size() <= id) emitted_.resize(id + 1);
    if (emitted_[id]) continue;  // two devices of one name: the first is the one
    emitted_[id] = true;
    present_.push_back(id);
    out.emit(id, reading.value);
  }
  for (const SeriesId id : reader.series) {
    if (!emitted_[id]) out.retire(id);
  }
  for (const SeriesId id : present_) emitted_[id] = false;
  reader.series.swap(present_);
  reader.readings.clear();
}

}  // namespace sysmon
