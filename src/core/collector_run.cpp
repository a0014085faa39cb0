#include "core/collector_run.hpp"

#include <string>
#include <utility>

namespace sysmon {
namespace {

// A tick that comes this little too early counts as due: ticks jitter, intervals are long.
constexpr std::int64_t kEarlyNs = 500'000'000;

std::int64_t ns(std::chrono::nanoseconds duration) { return duration.count(); }

}  // namespace

CollectorRun::CollectorRun(const CollectorInfo& info, std::unique_ptr<Collector> collector,
                           const Clock& clock)
    : info_(&info), collector_(std::move(collector)), clock_(&clock) {}

std::optional<CollectorRun::Outcome> CollectorRun::collect(const Tick& tick, bool all, SampleSink& out) {
  if (!all && tick.mono_ns < next_due_ns_) return std::nullopt;
  const std::int64_t begin_ns = clock_->mono_ns();
  Outcome outcome;
  outcome.result = collector_->collect(tick, out);
  const std::int64_t took_ns = clock_->mono_ns() - begin_ns;
  outcome.seconds = static_cast<double>(took_ns) / 1e9;

  is_shed_ = took_ns > ns(kTooLong);
  if (is_shed_ && outcome.result.ok()) {
    outcome.result =
        Error{Error::Kind::unavailable, std::string(info_->name),
              "reading it took " + std::to_string(outcome.seconds) + " s: it is skipped for a while", 0};
  }
  const bool is_absent = !outcome.result.ok() && outcome.result.error().kind == Error::Kind::not_found;
  if (is_shed_ || is_absent) {
    next_due_ns_ = tick.mono_ns + ns(kLookAgain) - kEarlyNs;
  } else if (info_->interval.count() > 0) {
    next_due_ns_ = tick.mono_ns + ns(info_->interval) - kEarlyNs;
  } else {
    next_due_ns_ = INT64_MIN;
  }
  return outcome;
}

}  // namespace sysmon
