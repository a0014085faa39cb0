// vmstat: events of memory management: page faults, and programs killed for want of memory.
#include <array>
#include <cstddef>
#include <memory>

#include "core/collectors/all.hpp"
#include "core/collectors/plain_series.hpp"
#include "sysmon/parse/vmstat.hpp"

namespace sysmon {
namespace {

constexpr std::array kMetrics = {
    MetricInfo{.name = "memory.oom_kills",
               .kind = Kind::counter,
               .help = "Processes that the kernel killed because memory ran out.",
               .source = "/proc/vmstat oom_kill",
               .since = "4.13"},
    MetricInfo{.name = "memory.page_faults",
               .kind = Kind::counter,
               .help = "Page faults, those served from memory included.",
               .source = "/proc/vmstat pgfault",
               .default_on = false},
    MetricInfo{.name = "memory.major_faults",
               .kind = Kind::counter,
               .help = "Page faults that had to read from a disk.",
               .source = "/proc/vmstat pgmajfault",
               .default_on = false}};

// Positions in kMetrics; in its order.
enum Index : std::size_t { kOomKills, kPageFaults, kMajorFaults };

class VmStatCollector final : public Collector {
 public:
  explicit VmStatCollector(const CollectorContext& context) : file_(context.files.file("/proc/vmstat")) {}

  Result<void> collect(const Tick& /*tick*/, SampleSink& out) override {
    const auto text = file_.read();
    if (!text) return text.error();
    VmStat stat;
    if (auto parsed = parse_vmstat(*text, stat); !parsed) return parsed;
    series_.emit(out, kOomKills, stat.oom_kills);
    series_.emit(out, kPageFaults, stat.page_faults);
    series_.emit(out, kMajorFaults, stat.major_faults);
    return {};
  }

 private:
  KernelFile& file_;
  PlainSeries series_{kMetrics};
};

}  // namespace

constexpr CollectorInfo kVmstatCollector{
    .name = "vmstat",
    .metrics = kMetrics,
    .make = [](const CollectorContext& context) -> std::unique_ptr<Collector> {
      return std::make_unique<VmStatCollector>(context);
    }};

}  // namespace sysmon
