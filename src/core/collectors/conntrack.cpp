// conntrack: the netfilter connection table, which drops new connections when it is full.
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include "core/collectors/all.hpp"
#include "sysmon/parse/fields.hpp"
#include "sysmon/parse/nf_conntrack.hpp"
#include "sysmon/percent.hpp"
#include "sysmon/tag_text.hpp"

namespace sysmon {
namespace {

constexpr std::array kMetrics = {
    MetricInfo{.name = "conntrack.entries",
               .help = "Connections in the netfilter table.",
               .source = "/proc/sys/net/netfilter/nf_conntrack_count"},
    MetricInfo{.name = "conntrack.limit",
               .help = "Connections the table can hold.",
               .source = "/proc/sys/net/netfilter/nf_conntrack_max"},
    MetricInfo{.name = "conntrack.usage_percent",
               .unit = Unit::percent,
               .help = "How full the table is; at 100 new connections are dropped.",
               .source = "/proc/sys/net/netfilter",
               .formula = "100 × entries / limit"},
    MetricInfo{.name = "conntrack.drops",
               .kind = Kind::counter,
               .help = "Packets dropped because a connection could not be entered into the table.",
               .source = "/proc/net/stat/nf_conntrack drop",
               .formula = "sum over the CPUs"},
};

enum Index : std::size_t { kEntries, kLimit, kUsage, kDrops };

Result<std::uint64_t> read_number(KernelFile& file, std::string_view path) {
  const auto text = file.read();
  if (!text) return text.error();
  const auto number = to_number<std::uint64_t>(trimmed(*text));
  if (!number) return Error::malformed(path, tag_text(*text));
  return *number;
}

class Conntrack final : public Collector {
 public:
  explicit Conntrack(KernelFiles& files)
      : count_(files.file(kCountPath)),
        max_(files.file(kMaxPath)),
        stat_(files.file("/proc/net/stat/nf_conntrack")) {}

  Result<void> collect(const Tick& /*tick*/, SampleSink& out) override {
    const auto entries = read_number(count_, kCountPath);
    if (!entries) return entries.error();
    out.emit(out.series(kMetrics[kEntries]), static_cast<double>(*entries));
    const auto limit = read_number(max_, kMaxPath);
    if (!limit) return limit.error();
    out.emit(out.series(kMetrics[kLimit]), static_cast<double>(*limit));
    if (*limit > 0) {
      out.emit(out.series(kMetrics[kUsage]),
               percent_of(static_cast<double>(*entries), static_cast<double>(*limit)));
    }
    // Absent without CONFIG_NF_CONNTRACK_PROCFS, unreadable for ordinary users before 4.18: both are a state.
    const auto text = stat_.read();
    if (!text) return {};
    const auto drops = parse_nf_conntrack_drops(*text);
    if (!drops) return drops.error();
    out.emit(out.series(kMetrics[kDrops]), static_cast<double>(*drops));
    return {};
  }

 private:
  static constexpr std::string_view kCountPath = "/proc/sys/net/netfilter/nf_conntrack_count";
  static constexpr std::string_view kMaxPath = "/proc/sys/net/netfilter/nf_conntrack_max";
  KernelFile& count_;
  KernelFile& max_;
  KernelFile& stat_;
};

}  // namespace

constexpr CollectorInfo kConntrackCollector{
    .name = "conntrack",
    .metrics = kMetrics,
    .interval = std::chrono::seconds(60),
    .make = [](const CollectorContext& context) -> std::unique_ptr<Collector> {
      return std::make_unique<Conntrack>(context.files);
    }};

}  // namespace sysmon
