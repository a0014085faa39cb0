// diskio: what block devices do.
#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/collectors/all.hpp"
#include "core/collectors/device_list.hpp"
#include "sysmon/parse/diskstats.hpp"
#include "sysmon/percent.hpp"
#include "sysmon/tag_text.hpp"

namespace sysmon {
namespace {

constexpr MetricInfo counter(std::string_view name, Unit unit, std::string_view help, std::string_view source,
                             std::string_view formula = {}, bool default_on = true) {
  return {.name = name,
          .unit = unit,
          .kind = Kind::counter,
          .tags = "device",
          .help = help,
          .source = source,
          .formula = formula,
          .default_on = default_on};
}

constexpr std::string_view kSectors = "sectors × 512";
constexpr std::string_view kMilliseconds = "ms / 1000";

// Whole devices only: a partition's traffic is its disk's, and would be counted twice.
constexpr std::array kMetrics = {
    counter("diskio.read_bytes", Unit::bytes, "Bytes read from the device.", "/proc/diskstats, column 6",
            kSectors),
    counter("diskio.write_bytes", Unit::bytes, "Bytes written to it.", "/proc/diskstats, column 10",
            kSectors),
    counter("diskio.reads", Unit::none, "Reads that were completed.", "/proc/diskstats, column 4"),
    counter("diskio.writes", Unit::none, "Writes that were completed.", "/proc/diskstats, column 8"),
    counter("diskio.reads_merged", Unit::none,
            "Reads that were joined with a neighbour before they were sent.", "/proc/diskstats, column 5"),
    counter("diskio.writes_merged", Unit::none,
            "Writes that were joined with a neighbour before they were sent.", "/proc/diskstats, column 9"),
    counter("diskio.read_time_seconds", Unit::seconds, "Time that reads took, added up.",
            "/proc/diskstats, column 7", kMilliseconds, false),
    counter("diskio.write_time_seconds", Unit::seconds, "Time that writes took, added up.",
            "/proc/diskstats, column 11", kMilliseconds, false),
    counter("diskio.io_time_seconds", Unit::seconds, "Time during which the device had anything to do.",
            "/proc/diskstats, column 13", kMilliseconds, false),
    counter("diskio.weighted_io_time_seconds", Unit::seconds, "The same, times the requests in progress.",
            "/proc/diskstats, column 14", kMilliseconds, false),
    MetricInfo{
        .name = "diskio.utilization_percent",
        .unit = Unit::percent,
        .tags = "device",
        .help =
            "Share of time in which the device had anything to do. Not saturation: NVMe and other devices "
            "with several queues can do more at 100.",
        .source = "/proc/diskstats, column 13",
        .formula = "100 × Δio_time / Δt, at most 100"},
    MetricInfo{.name = "diskio.read_await_seconds",
               .unit = Unit::seconds,
               .tags = "device",
               .help = "How long a read took on average since the last tick, waiting included.",
               .source = "/proc/diskstats, columns 7 and 4",
               .formula = "Δread_time / Δreads; absent where nothing was read"},
    MetricInfo{.name = "diskio.write_await_seconds",
               .unit = Unit::seconds,
               .tags = "device",
               .help = "How long a write took on average since the last tick, waiting included.",
               .source = "/proc/diskstats, columns 11 and 8",
               .formula = "Δwrite_time / Δwrites; absent where nothing was written"},
    MetricInfo{.name = "diskio.queue_depth",
               .tags = "device",
               .help = "Requests in progress on average since the last tick.",
               .source = "/proc/diskstats, column 14",
               .formula = "Δweighted_io_time / Δt"},
    MetricInfo{.name = "diskio.in_progress",
               .tags = "device",
               .help = "Requests in progress at the moment of reading.",
               .source = "/proc/diskstats, column 12",
               .default_on = false}};

// Positions in kMetrics; in its order.
enum Index : std::size_t {
  kReadBytes,
  kWriteBytes,
  kReads,
  kWrites,
  kReadsMerged,
  kWritesMerged,
  kReadTime,
  kWriteTime,
  kIoTime,
  kWeightedIoTime,
  kUtilization,
  kReadAwait,
  kWriteAwait,
  kQueueDepth,
  kInProgress
};

// Of the fields that rates are made from.
struct Before {
  std::int64_t mono_ns = 0;
  std::uint64_t major = 0;
  std::uint64_t minor = 0;
  std::uint64_t reads = 0;
  std::uint64_t read_ms = 0;
  std::uint64_t writes = 0;
  std::uint64_t write_ms = 0;
  std::uint64_t io_ms = 0;
  std::uint64_t weighted_io_ms = 0;
};

struct Device {
  bool is_wanted = false;
  bool has_series = false;
  std::array<SeriesId, kMetrics.size()> series{};
  std::optional<Before> before;
};

// Loop and RAM devices exist by the dozen whether anybody uses them or not.
bool is_idle_by_nature(const DiskStat& disk) {
  const bool is_virtual = disk.device.starts_with("loop") || disk.device.starts_with("ram");
  return is_virtual && disk.reads == 0 && disk.writes == 0;
}

double seconds_each(std::uint64_t ms, std::uint64_t count) {
  return std::round(1000.0 * static_cast<double>(ms) / static_cast<double>(count)) / 1e6;
}

class DiskIo final : public Collector {
 public:
  explicit DiskIo(const CollectorContext& context)
      : files_(context.files),
        ignored_(context.devices.ignore_devices),
        diskstats_(files_.file("/proc/diskstats")) {}

  Result<void> collect(const Tick& tick, SampleSink& out) override {
    const auto text = diskstats_.read();
    if (!text) return text.error();
    if (auto parsed = parse_diskstats(*text, disks_); !parsed) return parsed;
    devices_.begin();
    for (const DiskStat& disk : disks_) {
      Device& device = devices_.meet(disk.device, [&] { return meet(disk.device); });
      if (!device.is_wanted || is_idle_by_nature(disk)) continue;
      emit(disk, tick, device, out);
    }
    devices_.end([&](const Device& gone) {
      if (!gone.has_series) return;
      for (const SeriesId series : gone.series) out.retire(series);
    });
    return {};
  }

 private:
  Device meet(std::string_view name) {
    Device device;
    device.is_wanted = !DeviceFilter::matches(ignored_, name) && is_whole(name);
    return device;
  }

  // Partitions have no folder of their own in /sys/block. Where there is no /sys at all, every device is
  // taken.
  bool is_whole(std::string_view name) {
    std::string folder(name);
    for (char& c : folder) {
      if (c == '/') c = '!';  // cciss/c0d0
    }
    if (files_.read_attribute("/sys/block/" + folder + "/size")) return true;
    return !has_sysfs();
  }

  bool has_sysfs() {
    for (const DiskStat& disk : disks_) {
      if (files_.read_attribute("/sys/block/" + std::string(disk.device) + "/size")) return true;
    }
    return false;
  }

  static void emit(const DiskStat& disk, const Tick& tick, Device& device, SampleSink& out) {
    if (!device.has_series) {
      const std::string name = tag_text(disk.device);
      for (std::size_t i = 0; i < kMetrics.size(); ++i) device.series[i] = out.series(kMetrics[i], {name});
      device.has_series = true;
    }
    const auto add = [&](Index index, std::uint64_t value, double scale) {
      out.emit(device.series[index], static_cast<double>(value) * scale);
    };
    const auto add_time = [&](Index index, std::uint64_t ms) {
      out.emit(device.series[index], static_cast<double>(ms) / 1000);
    };
    add(kReadBytes, disk.sectors_read, kSectorBytes);
    add(kWriteBytes, disk.sectors_written, kSectorBytes);
    add(kReads, disk.reads, 1);
    add(kWrites, disk.writes, 1);
    add(kReadsMerged, disk.reads_merged, 1);
    add(kWritesMerged, disk.writes_merged, 1);
    add_time(kReadTime, disk.read_ms);
    add_time(kWriteTime, disk.write_ms);
    add_time(kIoTime, disk.io_ms);
    add_time(kWeightedIoTime, disk.weighted_io_ms);
    add(kInProgress, disk.in_progress, 1);
    emit_rates(disk, tick, device, out);
  }

  // Nothing for this tick where a counter went back or the name now means another device: there is no
  // difference to take.
  static void emit_rates(const DiskStat& disk, const Tick& tick, Device& device, SampleSink& out) {
    const Before now{tick.mono_ns, disk.major,    disk.minor, disk.reads,         disk.read_ms,
                     disk.writes,  disk.write_ms, disk.io_ms, disk.weighted_io_ms};
    const std::optional<Before> before = device.before;
    device.before = now;
    if (!before || before->major != now.major || before->minor != now.minor || now.mono_ns <= before->mono_ns)
      return;
    if (now.reads < before->reads || now.writes < before->writes) return;
    const double elapsed_ms = static_cast<double>(now.mono_ns - before->mono_ns) / 1e6;
    const auto& series = device.series;
    if (now.io_ms >= before->io_ms) {
      const double busy = percent_of(static_cast<double>(now.io_ms - before->io_ms), elapsed_ms);
      out.emit(series[kUtilization], std::fmin(busy, 100));
    }
    if (now.weighted_io_ms >= before->weighted_io_ms) {
      const double depth = static_cast<double>(now.weighted_io_ms - before->weighted_io_ms) / elapsed_ms;
      out.emit(series[kQueueDepth], std::round(depth * 100) / 100);
    }
    if (now.reads > before->reads && now.read_ms >= before->read_ms) {
      out.emit(series[kReadAwait], seconds_each(now.read_ms - before->read_ms, now.reads - before->reads));
    }
    if (now.writes > before->writes && now.write_ms >= before->write_ms) {
      out.emit(series[kWriteAwait],
               seconds_each(now.write_ms - before->write_ms, now.writes - before->writes));
    }
  }

  KernelFiles& files_;
  std::vector<std::string> ignored_;
  KernelFile& diskstats_;
  std::vector<DiskStat> disks_;  // this tick's
  DeviceList<Device> devices_;
};

}  // namespace

constexpr CollectorInfo kDiskioCollector{
    .name = "diskio",
    .metrics = kMetrics,
    .make = [](const CollectorContext& context) -> std::unique_ptr<Collector> {
      return std::make_unique<DiskIo>(context);
    }};

}  // namespace sysmon
