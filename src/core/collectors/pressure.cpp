// pressure: how much of the time tasks waited for CPU, memory, disk or interrupts (PSI, since 4.20).
//
// The kernel's own averages are the gauges; the totals, from which any other window can be made, are off by
// default.
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "core/collectors/all.hpp"
#include "sysmon/parse/pressure.hpp"

namespace sysmon {
namespace {

constexpr std::string_view kWindow = "The kernel's average over the window.";

constexpr MetricInfo percent(std::string_view name, std::string_view help, std::string_view source,
                             std::string_view since) {
  return {.name = name,
          .unit = Unit::percent,
          .tags = "window",
          .help = help,
          .source = source,
          .formula = kWindow,
          .since = since};
}

constexpr MetricInfo seconds(std::string_view name, std::string_view help, std::string_view source,
                             std::string_view since) {
  return {.name = name,
          .unit = Unit::seconds,
          .kind = Kind::counter,
          .help = help,
          .source = source,
          .formula = "total / 1,000,000",
          .since = since,
          .default_on = false};
}

constexpr std::array kMetrics = {
    percent("pressure.cpu_some_percent", "Time in which at least one task waited for a CPU.",
            "/proc/pressure/cpu some", "4.20"),
    percent("pressure.cpu_full_percent",
            "Time in which every task waited for a CPU; only below a cgroup's limit can it differ from 0.",
            "/proc/pressure/cpu full", "5.13"),
    percent("pressure.memory_some_percent", "Time in which at least one task waited for memory.",
            "/proc/pressure/memory some", "4.20"),
    percent("pressure.memory_full_percent", "Time in which every task waited for memory: nothing was done.",
            "/proc/pressure/memory full", "4.20"),
    percent("pressure.io_some_percent", "Time in which at least one task waited for a disk.",
            "/proc/pressure/io some", "4.20"),
    percent("pressure.io_full_percent", "Time in which every task waited for a disk: nothing was done.",
            "/proc/pressure/io full", "4.20"),
    percent("pressure.irq_full_percent", "Time in which tasks stood still for interrupts.",
            "/proc/pressure/irq full", "6.1"),
    seconds("pressure.cpu_some_seconds", "Time since boot in which at least one task waited for a CPU.",
            "/proc/pressure/cpu some", "4.20"),
    seconds("pressure.memory_some_seconds", "Time since boot in which at least one task waited for memory.",
            "/proc/pressure/memory some", "4.20"),
    seconds("pressure.memory_full_seconds", "Time since boot in which every task waited for memory.",
            "/proc/pressure/memory full", "4.20"),
    seconds("pressure.io_some_seconds", "Time since boot in which at least one task waited for a disk.",
            "/proc/pressure/io some", "4.20"),
    seconds("pressure.io_full_seconds", "Time since boot in which every task waited for a disk.",
            "/proc/pressure/io full", "4.20"),
    seconds("pressure.irq_full_seconds", "Time since boot in which tasks stood still for interrupts.",
            "/proc/pressure/irq full", "6.1"),
};

constexpr const MetricInfo& named(std::string_view name) {
  for (const MetricInfo& metric : kMetrics) {
    if (metric.name == name) return metric;
  }
  throw std::out_of_range(
      "no such metric");  // its address is taken at compile time: a wrong name does not build
}

// A kind of line of one file: its three windows and its total.
struct Line {
  const MetricInfo* percent = nullptr;
  const MetricInfo* seconds = nullptr;  // nullptr: the total is no metric of ours
  std::array<SeriesId, 3> windows{};
  SeriesId total = kNoSeries;
  bool declared = false;

  void emit(const PressureLine& line, SampleSink& out) {
    if (!declared) {
      windows = {out.series(*percent, {"10s"}), out.series(*percent, {"60s"}),
                 out.series(*percent, {"300s"})};
      if (seconds != nullptr) total = out.series(*seconds);
      declared = true;
    }
    out.emit(windows[0], line.avg10);
    out.emit(windows[1], line.avg60);
    out.emit(windows[2], line.avg300);
    out.emit(total, static_cast<double>(line.total_us) / 1e6);
  }
};

struct Resource {
  KernelFile* file;
  Line some;
  Line full;
  std::int64_t retry_ns = INT64_MIN;  // after this, where the file was not there
};

constexpr std::int64_t kRetryNs = 60'000'000'000;

class PressureCollector final : public Collector {
 public:
  explicit PressureCollector(KernelFiles& files)
      : resources_{{
            {&files.file("/proc/pressure/cpu"),
             {&named("pressure.cpu_some_percent"), &named("pressure.cpu_some_seconds")},
             {&named("pressure.cpu_full_percent")}},
            {&files.file("/proc/pressure/memory"),
             {&named("pressure.memory_some_percent"), &named("pressure.memory_some_seconds")},
             {&named("pressure.memory_full_percent"), &named("pressure.memory_full_seconds")}},
            {&files.file("/proc/pressure/io"),
             {&named("pressure.io_some_percent"), &named("pressure.io_some_seconds")},
             {&named("pressure.io_full_percent"), &named("pressure.io_full_seconds")}},
            // Only full: an interrupt has nobody else run meanwhile.
            {&files.file("/proc/pressure/irq"),
             {},
             {&named("pressure.irq_full_percent"), &named("pressure.irq_full_seconds")}},
        }} {}

  Result<void> collect(const Tick& tick, SampleSink& out) override {
    std::optional<Error> first;
    bool any = false;
    for (Resource& resource : resources_) {
      if (any && tick.mono_ns < resource.retry_ns) continue;
      const auto text = resource.file->read();
      if (!text) {
        // irq comes with a kernel option of its own: without it the rest is whole.
        if (!first) first = text.error();
        resource.retry_ns = tick.mono_ns + kRetryNs;
        continue;
      }
      const auto pressure = parse_pressure(*text);
      if (!pressure) return pressure.error();
      any = true;
      if (pressure->some && resource.some.percent != nullptr) resource.some.emit(*pressure->some, out);
      if (pressure->full) resource.full.emit(*pressure->full, out);
    }
    if (!any && first) return *first;
    return {};
  }

 private:
  std::array<Resource, 4> resources_;
};

}  // namespace

constexpr CollectorInfo kPressureCollector{
    .name = "pressure",
    .metrics = kMetrics,
    .make = [](const CollectorContext& context) -> std::unique_ptr<Collector> {
      return std::make_unique<PressureCollector>(context.files);
    }};

}  // namespace sysmon
