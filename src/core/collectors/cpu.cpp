// cpu: how busy the CPUs are, and with what.
#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/collectors/all.hpp"
#include "core/collectors/plain_series.hpp"
#include "sysmon/parse/fields.hpp"
#include "sysmon/parse/stat.hpp"
#include "sysmon/percent.hpp"

namespace sysmon {
namespace {

constexpr std::string_view kStat = "/proc/stat cpu";
constexpr std::string_view kShare =
    "100 × Δmode / Δtotal; total = user + nice + system + idle + iowait + irq + "
    "softirq + steal; a time that goes back counts as 0";

constexpr std::array kMetrics = {
    MetricInfo{
        .name = "cpu.total_usage",
        .unit = Unit::percent,
        .help = "How busy all CPUs together were since the last tick. Waiting for a disk is not busy; time "
                "stolen by the hypervisor is.",
        .source = kStat,
        .formula =
            "100 × (1 − Δ(idle + iowait) / Δtotal); total = user + nice + system + idle + iowait + irq "
            "+ softirq + steal"},
    MetricInfo{.name = "cpu.core_usage",
               .unit = Unit::percent,
               .tags = "core",
               .help = "The same for one logical CPU.",
               .source = "/proc/stat cpu0, cpu1, …",
               .formula = "as cpu.total_usage"},
    MetricInfo{.name = "cpu.user_percent",
               .unit = Unit::percent,
               .help = "Share of time in programs of normal priority, virtual machines included.",
               .source = "/proc/stat cpu, column 1",
               .formula = kShare},
    MetricInfo{.name = "cpu.system_percent",
               .unit = Unit::percent,
               .help = "Share of time in the kernel, interrupts not included.",
               .source = "/proc/stat cpu, column 3",
               .formula = kShare},
    MetricInfo{.name = "cpu.nice_percent",
               .unit = Unit::percent,
               .help = "Share of time in programs of lowered priority.",
               .source = "/proc/stat cpu, column 2",
               .formula = kShare},
    MetricInfo{.name = "cpu.iowait_percent",
               .unit = Unit::percent,
               .help = "Share of time in which a CPU had nothing to run while a task waited for a disk.",
               .source = "/proc/stat cpu, column 5",
               .formula = kShare},
    MetricInfo{.name = "cpu.irq_percent",
               .unit = Unit::percent,
               .help = "Share of time in interrupt handlers.",
               .source = "/proc/stat cpu, column 6",
               .formula = kShare},
    MetricInfo{.name = "cpu.softirq_percent",
               .unit = Unit::percent,
               .help = "Share of time in deferred interrupt work, most of it the network's.",
               .source = "/proc/stat cpu, column 7",
               .formula = kShare},
    MetricInfo{.name = "cpu.steal_percent",
               .unit = Unit::percent,
               .help = "Share of time in which the hypervisor ran something else.",
               .source = "/proc/stat cpu, column 8",
               .formula = kShare,
               .since = "2.6.11"},
    MetricInfo{.name = "cpu.guest_percent",
               .unit = Unit::percent,
               .help = "Share of time running virtual machines; part of user and nice, not beside them.",
               .source = "/proc/stat cpu, columns 9 and 10",
               .formula = "100 × Δ(guest + guest_nice) / Δtotal",
               .since = "2.6.24"},
    MetricInfo{.name = "cpu.idle_percent",
               .unit = Unit::percent,
               .help = "Share of time with nothing to run and no disk waited for.",
               .source = "/proc/stat cpu, column 4",
               .formula = kShare},
    MetricInfo{.name = "cpu.logical_count",
               .help = "Logical CPUs that are online.",
               .source = "/proc/stat: lines cpu0, cpu1, …"},
    MetricInfo{.name = "cpu.physical_count",
               .help = "Physical cores that are online.",
               .source = "/sys/devices/system/cpu/cpu*/topology/{physical_package_id,core_id}",
               .formula = "number of distinct pairs; absent where the kernel does not tell"},
    MetricInfo{
        .name = "cpu.time_seconds",
        .unit = Unit::seconds,
        .kind = Kind::counter,
        .tags = "core,mode",
        .help = "Time of a logical CPU in a mode since boot; user and nice include guest and guest_nice.",
        .source = "/proc/stat cpu0, cpu1, …",
        .formula = "ticks / 100",
        .default_on = false},
    MetricInfo{.name = "cpu.frequency_hertz",
               .unit = Unit::hertz,
               .tags = "core",
               .help = "Present clock of a logical CPU.",
               .source = "/sys/devices/system/cpu/cpu*/cpufreq/scaling_cur_freq",
               .formula = "kHz × 1000",
               .default_on = false},
    MetricInfo{.name = "cpu.throttles",
               .kind = Kind::counter,
               .tags = "core",
               .help = "How often a core was slowed down because it was hot.",
               .source = "/sys/devices/system/cpu/cpu*/thermal_throttle/core_throttle_count",
               .default_on = false}};

// Positions in kMetrics.
enum Index : std::size_t {
  kTotalUsage,
  kCoreUsage,
  kUser,
  kSystem,
  kNice,
  kIowait,
  kIrq,
  kSoftirq,
  kSteal,
  kGuest,
  kIdle,
  kLogicalCount,
  kPhysicalCount,
  kTimeSeconds,
  kFrequency,
  kThrottles
};

struct ModeMetric {
  Index metric;
  CpuMode mode;
};
constexpr std::array<ModeMetric, 8> kModeMetrics = {{{kUser, CpuMode::user},
                                                     {kSystem, CpuMode::system},
                                                     {kNice, CpuMode::nice},
                                                     {kIowait, CpuMode::iowait},
                                                     {kIrq, CpuMode::irq},
                                                     {kSoftirq, CpuMode::softirq},
                                                     {kSteal, CpuMode::steal},
                                                     {kIdle, CpuMode::idle}}};
constexpr std::array<std::string_view, kCpuModes> kModeNames = {
    "user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest", "guest_nice"};
constexpr double kUserHz = 100;  // USER_HZ: 100 on every architecture Linux still has

// What passed between two readings. idle and iowait are known to go back by a little (the kernel reckons them
// anew when a CPU leaves its idle state): each field counts forwards only.
struct CpuDelta {
  std::array<double, kCpuModes> ticks{};
  double total = 0;

  CpuDelta(const CpuTimes& before, const CpuTimes& after) {
    for (std::size_t i = 0; i < kCpuModes; ++i) {
      if (after.ticks[i] > before.ticks[i]) ticks[i] = static_cast<double>(after.ticks[i] - before.ticks[i]);
    }
    // guest is inside user, guest_nice inside nice.
    for (std::size_t i = 0; i <= static_cast<std::size_t>(CpuMode::steal); ++i) total += ticks[i];
  }
  [[nodiscard]] double of(CpuMode mode) const { return ticks[static_cast<std::size_t>(mode)]; }
  [[nodiscard]] double usage() const {
    return percent_of(total - of(CpuMode::idle) - of(CpuMode::iowait), total);
  }
};

// A logical CPU.
struct Core {
  std::string number;
  std::optional<CpuTimes> before;
  SeriesId usage = kNoSeries;
  SeriesId frequency = kNoSeries;
  SeriesId throttles = kNoSeries;
  std::array<SeriesId, kCpuModes> times{};
  std::string frequency_path;
  std::string throttles_path;
};

class Cpu final : public Collector {
 public:
  explicit Cpu(const CollectorContext& context) : files_(context.files), stat_(files_.file("/proc/stat")) {}

  Result<void> collect(const Tick& /*tick*/, SampleSink& out) override {
    const auto text = stat_.read();
    if (!text) return text.error();
    CpuTimes total;
    if (auto parsed = parse_stat_cpus(*text, total, cpus_); !parsed) return parsed;
    emit_total(total, out);
    emit_cores(out);
    series_.emit(out, kLogicalCount, static_cast<double>(cpus_.size()));
    if (physical_count_ > 0) series_.emit(out, kPhysicalCount, static_cast<double>(physical_count_));
    return {};
  }

 private:
  void emit_total(const CpuTimes& total, SampleSink& out) {
    if (before_) {
      const CpuDelta delta(*before_, total);
      if (delta.total > 0) {
        series_.emit(out, kTotalUsage, delta.usage());
        for (const ModeMetric& entry : kModeMetrics) {
          if (total.at(entry.mode))
            series_.emit(out, entry.metric, percent_of(delta.of(entry.mode), delta.total));
        }
        if (total.at(CpuMode::guest)) {
          series_.emit(out, kGuest,
                       percent_of(delta.of(CpuMode::guest) + delta.of(CpuMode::guest_nice), delta.total));
        }
      }
    }
    before_ = total;
  }

  void emit_cores(SampleSink& out) {
    bool is_changed = cpus_.size() != numbers_.size();
    for (std::size_t i = 0; i < cpus_.size() && !is_changed; ++i) is_changed = cpus_[i].cpu != numbers_[i];
    if (is_changed) meet_cores(out);
    for (std::size_t i = 0; i < cpus_.size(); ++i) {
      Core& core = cores_[i];
      const CpuTimes& times = cpus_[i].times;
      if (core.before) {
        const CpuDelta delta(*core.before, times);
        if (delta.total > 0) out.emit(core.usage, delta.usage());
      }
      core.before = times;
      for (std::size_t mode = 0; mode < times.columns; ++mode) {
        out.emit(core.times[mode], static_cast<double>(times.ticks[mode]) / kUserHz);
      }
      emit_attribute(core.frequency, core.frequency_path, 1000, out);
      emit_attribute(core.throttles, core.throttles_path, 1, out);
    }
  }

  void emit_attribute(SeriesId series, const std::string& path, double scale, SampleSink& out) {
    if (series == kNoSeries) return;
    const auto text = files_.read_attribute(path);
    if (!text) return;
    if (const auto value = to_number<std::uint64_t>(trimmed(*text))) {
      out.emit(series, static_cast<double>(*value) * scale);
    }
  }

  // CPUs came or went: those that stay keep their series.
  void meet_cores(SampleSink& out) {
    std::vector<Core> known;
    known.swap(cores_);
    std::vector<unsigned> known_numbers;
    known_numbers.swap(numbers_);
    for (const CpuStat& cpu : cpus_) {
      const auto found = std::find(known_numbers.begin(), known_numbers.end(), cpu.cpu);
      if (found == known_numbers.end()) {
        cores_.push_back(make_core(cpu.cpu, out));
      } else {
        cores_.push_back(std::move(known[static_cast<std::size_t>(found - known_numbers.begin())]));
        *found = UINT32_MAX;
      }
      numbers_.push_back(cpu.cpu);
    }
    for (std::size_t i = 0; i < known.size(); ++i) {
      if (known_numbers[i] != UINT32_MAX) retire(known[i], out);
    }
    physical_count_ = count_physical();
  }

  static Core make_core(unsigned cpu, SampleSink& out) {
    Core core;
    core.number = std::to_string(cpu);
    core.usage = out.series(kMetrics[kCoreUsage], {core.number});
    core.frequency = out.series(kMetrics[kFrequency], {core.number});
    core.throttles = out.series(kMetrics[kThrottles], {core.number});
    for (std::size_t mode = 0; mode < kCpuModes; ++mode) {
      core.times[mode] = out.series(kMetrics[kTimeSeconds], {core.number, kModeNames[mode]});
    }
    const std::string folder = "/sys/devices/system/cpu/cpu" + core.number;
    core.frequency_path = folder + "/cpufreq/scaling_cur_freq";
    core.throttles_path = folder + "/thermal_throttle/core_throttle_count";
    return core;
  }

  static void retire(const Core& core, SampleSink& out) {
    for (const SeriesId series : {core.usage, core.frequency, core.throttles}) out.retire(series);
    for (const SeriesId series : core.times) out.retire(series);
  }

  // Distinct (package, core) pairs of the CPUs that are online; 0 where one of them does not tell.
  std::size_t count_physical() {
    std::vector<std::pair<int, int>> pairs;
    for (const Core& core : cores_) {
      const std::string folder = "/sys/devices/system/cpu/cpu" + core.number + "/topology/";
      const auto package = read_int(folder + "physical_package_id");
      const auto id = read_int(folder + "core_id");
      if (!package || !id) return 0;
      pairs.emplace_back(*package, *id);
    }
    std::sort(pairs.begin(), pairs.end());
    return static_cast<std::size_t>(std::unique(pairs.begin(), pairs.end()) - pairs.begin());
  }

  std::optional<int> read_int(const std::string& path) {
    const auto text = files_.read_attribute(path);
    return text ? to_number<int>(trimmed(*text)) : std::nullopt;
  }

  KernelFiles& files_;
  KernelFile& stat_;
  std::vector<CpuStat> cpus_;  // this tick's
  std::optional<CpuTimes> before_;
  std::vector<Core> cores_;        // in the order of the file
  std::vector<unsigned> numbers_;  // theirs
  std::size_t physical_count_ = 0;
  PlainSeries series_{kMetrics};
};

}  // namespace

constexpr CollectorInfo kCpuCollector{
    .name = "cpu",
    .metrics = kMetrics,
    .make = [](const CollectorContext& context) -> std::unique_ptr<Collector> {
      return std::make_unique<Cpu>(context);
    }};

}  // namespace sysmon
