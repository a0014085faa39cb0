// kernel: what the kernel does as a whole: switches, interrupts, forks, open files, entropy.
#include <array>
#include <cstddef>
#include <memory>

#include "core/collectors/all.hpp"
#include "core/collectors/optional_file.hpp"
#include "core/collectors/plain_series.hpp"
#include "sysmon/parse/fields.hpp"
#include "sysmon/parse/file_nr.hpp"
#include "sysmon/parse/stat.hpp"

namespace sysmon {
namespace {

constexpr std::array kMetrics = {
    MetricInfo{.name = "kernel.context_switches",
               .kind = Kind::counter,
               .help = "Switches from one task to another, all CPUs together.",
               .source = "/proc/stat ctxt"},
    MetricInfo{.name = "kernel.interrupts",
               .kind = Kind::counter,
               .help = "Interrupts served.",
               .source = "/proc/stat intr"},
    MetricInfo{.name = "kernel.forks",
               .kind = Kind::counter,
               .help = "Processes and threads made.",
               .source = "/proc/stat processes"},
    MetricInfo{.name = "kernel.procs_running",
               .help = "Tasks that run or wait for a CPU.",
               .source = "/proc/stat procs_running"},
    MetricInfo{.name = "kernel.procs_blocked",
               .help = "Tasks that wait for a disk.",
               .source = "/proc/stat procs_blocked"},
    MetricInfo{.name = "kernel.fd_allocated",
               .help = "Open files of all processes.",
               .source = "/proc/sys/fs/file-nr, field 1"},
    MetricInfo{.name = "kernel.fd_limit",
               .help = "The most files that may be open.",
               .source = "/proc/sys/fs/file-nr, field 3"},
    MetricInfo{.name = "kernel.entropy_bits",
               .unit = Unit::bits,
               .help = "Entropy that the kernel's random numbers are seeded with; always 256 since 5.18.",
               .source = "/proc/sys/kernel/random/entropy_avail"}};

// Positions in kMetrics; in its order.
enum Index : std::size_t {
  kContextSwitches,
  kInterrupts,
  kForks,
  kProcsRunning,
  kProcsBlocked,
  kFdAllocated,
  kFdLimit,
  kEntropy
};

class Kernel final : public Collector {
 public:
  explicit Kernel(const CollectorContext& context)
      : stat_(context.files.file("/proc/stat")),
        file_nr_(context.files, "/proc/sys/fs/file-nr"),
        entropy_(context.files, "/proc/sys/kernel/random/entropy_avail") {}

  Result<void> collect(const Tick& tick, SampleSink& out) override {
    const auto text = stat_.read();
    if (!text) return text.error();
    StatCounters counters;
    if (auto parsed = parse_stat_counters(*text, counters); !parsed) return parsed;
    series_.emit(out, kContextSwitches, counters.context_switches);
    series_.emit(out, kInterrupts, counters.interrupts);
    series_.emit(out, kForks, counters.forks);
    series_.emit(out, kProcsRunning, counters.procs_running);
    series_.emit(out, kProcsBlocked, counters.procs_blocked);

    if (const auto entropy = entropy_.read(tick)) {
      series_.emit(out, kEntropy, to_number<std::uint64_t>(trimmed(*entropy)));
    }
    if (const auto file_nr = file_nr_.read(tick)) {
      const auto files = parse_file_nr(*file_nr);
      if (!files) return files.error();
      series_.emit(out, kFdAllocated, static_cast<double>(files->allocated));
      series_.emit(out, kFdLimit, static_cast<double>(files->limit));
    }
    return {};
  }

 private:
  KernelFile& stat_;
  OptionalFile file_nr_;
  OptionalFile entropy_;
  PlainSeries series_{kMetrics};
};

}  // namespace

constexpr CollectorInfo kKernelCollector{
    .name = "kernel",
    .metrics = kMetrics,
    .make = [](const CollectorContext& context) -> std::unique_ptr<Collector> {
      return std::make_unique<Kernel>(context);
    }};

}  // namespace sysmon
