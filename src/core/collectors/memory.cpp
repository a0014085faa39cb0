// memory: what the RAM is used for.
#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>

#include "core/collectors/all.hpp"
#include "core/collectors/optional_file.hpp"
#include "core/collectors/plain_series.hpp"
#include "sysmon/parse/arcstats.hpp"
#include "sysmon/parse/meminfo.hpp"
#include "sysmon/percent.hpp"

namespace sysmon {
namespace {

// A detail is a figure of the file as it is, and off by default.
constexpr MetricInfo detail(std::string_view name, std::string_view help, std::string_view source,
                            std::string_view since = {}) {
  return {
      .name = name, .unit = Unit::bytes, .help = help, .source = source, .since = since, .default_on = false};
}

constexpr std::array kMetrics = {
    MetricInfo{.name = "memory.total_bytes",
               .unit = Unit::bytes,
               .help = "Memory that the kernel can use.",
               .source = "/proc/meminfo MemTotal"},
    MetricInfo{.name = "memory.available_bytes",
               .unit = Unit::bytes,
               .help = "Memory that programs can still get without swapping.",
               .source = "/proc/meminfo MemAvailable",
               .formula = "before 3.14: MemFree + Buffers + Cached + SReclaimable − Shmem"},
    MetricInfo{.name = "memory.used_bytes",
               .unit = Unit::bytes,
               .help = "Memory that is held and cannot be given back.",
               .source = "/proc/meminfo, /proc/spl/kstat/zfs/arcstats",
               .formula =
                   "total − available − max(0, arc_size − arc_c_min), at least 0: the cache of ZFS above its "
                   "minimum is given back; in a container the host's is not looked at"},
    MetricInfo{.name = "memory.free_bytes",
               .unit = Unit::bytes,
               .help = "Memory that nothing uses. Little is normal: the kernel caches with it.",
               .source = "/proc/meminfo MemFree"},
    MetricInfo{.name = "memory.cached_bytes",
               .unit = Unit::bytes,
               .help = "The page cache, shared memory included.",
               .source = "/proc/meminfo Cached"},
    MetricInfo{.name = "memory.buffers_bytes",
               .unit = Unit::bytes,
               .help = "Cache of block devices read directly.",
               .source = "/proc/meminfo Buffers"},
    MetricInfo{.name = "memory.usage_percent",
               .unit = Unit::percent,
               .help = "Share of the memory in use.",
               .source = "/proc/meminfo, /proc/spl/kstat/zfs/arcstats",
               .formula = "100 × used / total; used as in memory.used_bytes"},
    detail("memory.slab_reclaimable_bytes", "Kernel objects that can be given back.",
           "/proc/meminfo SReclaimable", "2.6.19"),
    detail("memory.slab_unreclaimable_bytes", "Kernel objects that cannot be given back.",
           "/proc/meminfo SUnreclaim", "2.6.19"),
    detail("memory.shared_bytes", "Shared memory and tmpfs.", "/proc/meminfo Shmem", "2.6.32"),
    detail("memory.dirty_bytes", "Cache that is to be written to disk.", "/proc/meminfo Dirty"),
    detail("memory.writeback_bytes", "Cache that is being written to disk.", "/proc/meminfo Writeback"),
    detail("memory.committed_bytes", "Memory promised to programs.", "/proc/meminfo Committed_AS"),
    detail("memory.commit_limit_bytes", "Most that can be promised under strict accounting.",
           "/proc/meminfo CommitLimit"),
    detail("memory.anon_bytes", "Memory of programs that is not backed by files.", "/proc/meminfo AnonPages",
           "2.6.18"),
    detail("memory.mapped_bytes", "Files mapped into programs.", "/proc/meminfo Mapped"),
    detail("memory.page_tables_bytes", "Page tables.", "/proc/meminfo PageTables"),
    MetricInfo{.name = "memory.hugepages_total_bytes",
               .unit = Unit::bytes,
               .help = "Memory set apart as huge pages of the default size.",
               .source = "/proc/meminfo HugePages_Total, Hugepagesize",
               .formula = "pages × Hugepagesize",
               .default_on = false},
    MetricInfo{.name = "memory.hugepages_free_bytes",
               .unit = Unit::bytes,
               .help = "Huge pages of the default size that are not in use.",
               .source = "/proc/meminfo HugePages_Free, Hugepagesize",
               .formula = "pages × Hugepagesize",
               .default_on = false},
    MetricInfo{.name = "memory.arc_bytes",
               .unit = Unit::bytes,
               .help = "The cache of ZFS.",
               .source = "/proc/spl/kstat/zfs/arcstats size",
               .default_on = false},
    MetricInfo{.name = "memory.arc_min_bytes",
               .unit = Unit::bytes,
               .help = "The least that ZFS keeps of its cache.",
               .source = "/proc/spl/kstat/zfs/arcstats c_min",
               .default_on = false}};

// Positions in kMetrics; in its order.
enum Index : std::size_t {
  kTotal,
  kAvailable,
  kUsed,
  kFree,
  kCached,
  kBuffers,
  kUsage,
  kSlabReclaimable,
  kSlabUnreclaimable,
  kShared,
  kDirty,
  kWriteback,
  kCommitted,
  kCommitLimit,
  kAnon,
  kMapped,
  kPageTables,
  kHugepagesTotal,
  kHugepagesFree,
  kArc,
  kArcMin
};

// What the kernel would say were it new enough. The estimate errs on the high side: some cache cannot be
// dropped.
std::optional<std::uint64_t> available_bytes(const MemInfo& info) {
  if (info.available || !info.free) return info.available;
  const std::uint64_t cache =
      info.buffers.value_or(0) + info.cached.value_or(0) + info.slab_reclaimable.value_or(0);
  const std::uint64_t estimate = *info.free + cache - std::min(cache, info.shared.value_or(0));
  return std::min(estimate, info.total.value_or(estimate));
}

class Memory final : public Collector {
 public:
  explicit Memory(const CollectorContext& context)
      : meminfo_(context.files.file("/proc/meminfo")),
        arcstats_(context.files, "/proc/spl/kstat/zfs/arcstats"),
        container_manager_(context.files, "/run/systemd/container") {}

  Result<void> collect(const Tick& tick, SampleSink& out) override {
    const auto text = meminfo_.read();
    if (!text) return text.error();
    MemInfo info;
    if (auto parsed = parse_meminfo(*text, info); !parsed) return parsed;
    series_.emit(out, kTotal, info.total);
    series_.emit(out, kFree, info.free);
    series_.emit(out, kCached, info.cached);
    series_.emit(out, kBuffers, info.buffers);
    emit_details(info, out);

    Result<void> result;
    std::uint64_t reclaimable_arc = 0;
    if (const auto arcstats = arcstats_.read(tick); arcstats && !container_manager_.read(tick)) {
      const auto arc = parse_arcstats(*arcstats);
      if (arc) {
        reclaimable_arc = arc->size_bytes - std::min(arc->size_bytes, arc->min_bytes);
        series_.emit(out, kArc, static_cast<double>(arc->size_bytes));
        series_.emit(out, kArcMin, static_cast<double>(arc->min_bytes));
      } else {
        result = arc.error();
      }
    }
    const auto available = available_bytes(info);
    series_.emit(out, kAvailable, available);
    if (info.total && available) {
      const std::uint64_t not_used = *available + reclaimable_arc;
      const auto used = static_cast<double>(*info.total - std::min(*info.total, not_used));
      series_.emit(out, kUsed, used);
      if (*info.total > 0) series_.emit(out, kUsage, percent_of(used, static_cast<double>(*info.total)));
    }
    return result;
  }

 private:
  void emit_details(const MemInfo& info, SampleSink& out) {
    series_.emit(out, kSlabReclaimable, info.slab_reclaimable);
    series_.emit(out, kSlabUnreclaimable, info.slab_unreclaimable);
    series_.emit(out, kShared, info.shared);
    series_.emit(out, kDirty, info.dirty);
    series_.emit(out, kWriteback, info.writeback);
    series_.emit(out, kCommitted, info.committed);
    series_.emit(out, kCommitLimit, info.commit_limit);
    series_.emit(out, kAnon, info.anon);
    series_.emit(out, kMapped, info.mapped);
    series_.emit(out, kPageTables, info.page_tables);
    if (info.hugepage_size) {
      const auto bytes = static_cast<double>(*info.hugepage_size);
      if (info.hugepages_total)
        series_.emit(out, kHugepagesTotal, static_cast<double>(*info.hugepages_total) * bytes);
      if (info.hugepages_free)
        series_.emit(out, kHugepagesFree, static_cast<double>(*info.hugepages_free) * bytes);
    }
  }

  KernelFile& meminfo_;
  OptionalFile arcstats_;
  // Written by systemd in its containers (LXC, nspawn), where the ARC in /proc is the host's.
  OptionalFile container_manager_;
  PlainSeries series_{kMetrics};
};

}  // namespace

constexpr CollectorInfo kMemoryCollector{
    .name = "memory",
    .metrics = kMetrics,
    .make = [](const CollectorContext& context) -> std::unique_ptr<Collector> {
      return std::make_unique<Memory>(context);
    }};

}  // namespace sysmon
