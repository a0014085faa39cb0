// swap: how much of it is used, and how much goes in and out.
#include <unistd.h>  // sysconf

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>

#include "core/collectors/all.hpp"
#include "core/collectors/optional_file.hpp"
#include "core/collectors/plain_series.hpp"
#include "sysmon/parse/meminfo.hpp"
#include "sysmon/parse/vmstat.hpp"
#include "sysmon/percent.hpp"

namespace sysmon {
namespace {

constexpr std::array kMetrics = {
    MetricInfo{.name = "swap.total_bytes",
               .unit = Unit::bytes,
               .help = "Swap space; 0 where the host has none.",
               .source = "/proc/meminfo SwapTotal"},
    MetricInfo{.name = "swap.used_bytes",
               .unit = Unit::bytes,
               .help = "Swap space in use.",
               .source = "/proc/meminfo SwapTotal, SwapFree",
               .formula = "SwapTotal − SwapFree"},
    MetricInfo{.name = "swap.usage_percent",
               .unit = Unit::percent,
               .help = "Share of the swap space in use; absent where the host has none.",
               .source = "/proc/meminfo SwapTotal, SwapFree",
               .formula = "100 × used / total"},
    MetricInfo{.name = "swap.in_bytes",
               .unit = Unit::bytes,
               .kind = Kind::counter,
               .help = "Read back from swap.",
               .source = "/proc/vmstat pswpin",
               .formula = "pages × page size"},
    MetricInfo{.name = "swap.out_bytes",
               .unit = Unit::bytes,
               .kind = Kind::counter,
               .help = "Written to swap.",
               .source = "/proc/vmstat pswpout",
               .formula = "pages × page size"}};

// Positions in kMetrics; in its order.
enum Index : std::size_t { kTotal, kUsed, kUsage, kIn, kOut };

class Swap final : public Collector {
 public:
  explicit Swap(const CollectorContext& context)
      : meminfo_(context.files.file("/proc/meminfo")),
        vmstat_(context.files, "/proc/vmstat"),
        page_bytes_(static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))) {}

  Result<void> collect(const Tick& tick, SampleSink& out) override {
    const auto text = meminfo_.read();
    if (!text) return text.error();
    MemInfo info;
    if (auto parsed = parse_meminfo(*text, info); !parsed) return parsed;
    series_.emit(out, kTotal, info.swap_total);
    if (info.swap_total && info.swap_free) {
      const auto total = static_cast<double>(*info.swap_total);
      const auto used = static_cast<double>(*info.swap_total - std::min(*info.swap_total, *info.swap_free));
      series_.emit(out, kUsed, used);
      if (total > 0) series_.emit(out, kUsage, percent_of(used, total));
    }

    const auto vmstat_text = vmstat_.read(tick);
    if (!vmstat_text) return {};
    VmStat vmstat;
    if (auto parsed = parse_vmstat(*vmstat_text, vmstat); !parsed) return parsed;
    if (vmstat.pages_swapped_in)
      series_.emit(out, kIn, static_cast<double>(*vmstat.pages_swapped_in * page_bytes_));
    if (vmstat.pages_swapped_out) {
      series_.emit(out, kOut, static_cast<double>(*vmstat.pages_swapped_out * page_bytes_));
    }
    return {};
  }

 private:
  KernelFile& meminfo_;
  OptionalFile vmstat_;
  std::uint64_t page_bytes_;
  PlainSeries series_{kMetrics};
};

}  // namespace

constexpr CollectorInfo kSwapCollector{
    .name = "swap",
    .metrics = kMetrics,
    .make = [](const CollectorContext& context) -> std::unique_ptr<Collector> {
      return std::make_unique<Swap>(context);
    }};

}  // namespace sysmon
