// time: how far the clock may be off. Stamps of two hosts can be compared only as well as their clocks agree.
#include <sys/timex.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>

#include "core/collectors/all.hpp"
#include "sysmon/parse/adjtimex.hpp"

namespace sysmon {
namespace {

constexpr std::array kMetrics = {
    MetricInfo{.name = "time.offset_seconds",
               .unit = Unit::seconds,
               .help = "What the kernel still has to correct of the clock.",
               .source = "adjtimex(2) offset"},
    MetricInfo{.name = "time.max_error_seconds",
               .unit = Unit::seconds,
               .help = "The most by which the clock may be off; grows while nobody corrects it.",
               .source = "adjtimex(2) maxerror"},
    MetricInfo{.name = "time.synchronized",
               .unit = Unit::boolean,
               .help = "1 while a time service keeps the clock.",
               .source = "adjtimex(2) return value",
               .formula = "0 if it is TIME_ERROR"},
};

enum Index : std::size_t { kOffset, kMaxError, kSynchronized };

Result<ClockState> call_adjtimex() {
  timex request{};  // modes = 0: only asks
  const int state = ::adjtimex(&request);
  if (state < 0) return Error::from_errno("clock", "adjtimex", errno);  // EPERM under some seccomp profiles
  return clock_state(state, request.status, request.offset, request.maxerror);
}

class Time final : public Collector {
 public:
  explicit Time(const ProcRoot& root) : root_(root) {}

  Result<void> collect(const Tick& /*tick*/, SampleSink& out) override {
    const auto state = read();
    if (!state) return state.error();
    out.emit(out.series(kMetrics[kOffset]), state->offset_seconds);
    out.emit(out.series(kMetrics[kMaxError]), state->max_error_seconds);
    out.emit(out.series(kMetrics[kSynchronized]), state->is_synchronized ? 1 : 0);
    return {};
  }

 private:
  [[nodiscard]] Result<ClockState> read() const {
    if (root_.is_live()) return call_adjtimex();
    const auto text = read_file(root_.path("/adjtimex"));
    if (!text) return text.error();
    return parse_adjtimex(*text);
  }

  ProcRoot root_;
};

}  // namespace

constexpr CollectorInfo kTimeCollector{
    .name = "time",
    .metrics = kMetrics,
    .interval = std::chrono::seconds(60),
    .make = [](const CollectorContext& context) -> std::unique_ptr<Collector> {
      return std::make_unique<Time>(context.root);
    }};

}  // namespace sysmon
