// load: how many tasks run or wait, on average.
#include <array>
#include <memory>

#include "core/collectors/all.hpp"
#include "core/collectors/plain_series.hpp"
#include "sysmon/parse/loadavg.hpp"

namespace sysmon {
namespace {

constexpr std::array kMetrics = {
    MetricInfo{.name = "load.avg1",
               .help = "Tasks that run, wait for a CPU or wait for a disk: mean of the last minute.",
               .source = "/proc/loadavg, field 1",
               .formula = "exponentially damped by the kernel, once in 5 s"},
    MetricInfo{.name = "load.avg5",
               .help = "The same over 5 minutes.",
               .source = "/proc/loadavg, field 2",
               .formula = "as load.avg1"},
    MetricInfo{.name = "load.avg15",
               .help = "The same over 15 minutes.",
               .source = "/proc/loadavg, field 3",
               .formula = "as load.avg1"}};

class Load final : public Collector {
 public:
  explicit Load(const CollectorContext& context) : file_(context.files.file("/proc/loadavg")) {}

  Result<void> collect(const Tick& /*tick*/, SampleSink& out) override {
    const auto text = file_.read();
    if (!text) return text.error();
    const auto load = parse_loadavg(*text);
    if (!load) return load.error();
    series_.emit(out, 0, load->avg1);
    series_.emit(out, 1, load->avg5);
    series_.emit(out, 2, load->avg15);
    return {};
  }

 private:
  KernelFile& file_;
  PlainSeries series_{kMetrics};
};

}  // namespace

constexpr CollectorInfo kLoadCollector{
    .name = "load",
    .metrics = kMetrics,
    .make = [](const CollectorContext& context) -> std::unique_ptr<Collector> {
      return std::make_unique<Load>(context);
    }};

}  // namespace sysmon
