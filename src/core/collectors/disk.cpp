// disk: space and inodes of mounted file systems.
#include "core/collectors/disk.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/collectors/all.hpp"
#include "sysmon/parse/mountinfo.hpp"
#include "sysmon/percent.hpp"
#include "sysmon/slow_runner.hpp"
#include "sysmon/tag_text.hpp"

namespace sysmon {
namespace {

constexpr std::string_view kTags = "mountpoint,device,fstype";
constexpr std::string_view kStatvfs = "statvfs(3) of each mount in /proc/self/mountinfo";

constexpr std::array kMetrics = {
    MetricInfo{.name = "disk.total_bytes",
               .unit = Unit::bytes,
               .tags = kTags,
               .help = "Size of the file system.",
               .source = kStatvfs,
               .formula = "f_blocks × f_frsize"},
    MetricInfo{.name = "disk.used_bytes",
               .unit = Unit::bytes,
               .tags = kTags,
               .help = "Space in use, as df shows it.",
               .source = kStatvfs,
               .formula = "(f_blocks − f_bfree) × f_frsize"},
    MetricInfo{.name = "disk.free_bytes",
               .unit = Unit::bytes,
               .tags = kTags,
               .help = "Space not in use, the part reserved for root included.",
               .source = kStatvfs,
               .formula = "f_bfree × f_frsize"},
    MetricInfo{.name = "disk.available_bytes",
               .unit = Unit::bytes,
               .tags = kTags,
               .help = "Space that ordinary users can still fill.",
               .source = kStatvfs,
               .formula = "f_bavail × f_frsize"},
    MetricInfo{.name = "disk.usage_percent",
               .unit = Unit::percent,
               .tags = kTags,
               .help = "How full the file system is for ordinary users, as df shows it.",
               .source = kStatvfs,
               .formula = "100 × used / (used + available): root's reserve does not hide a full disk"},
    MetricInfo{.name = "disk.inodes_total",
               .tags = kTags,
               .help = "How many files the file system can hold.",
               .source = kStatvfs,
               .formula = "f_files; absent where the file system has no fixed number (btrfs, vfat)"},
    MetricInfo{.name = "disk.inodes_used",
               .tags = kTags,
               .help = "How many files it holds.",
               .source = kStatvfs,
               .formula = "f_files − f_ffree"},
    MetricInfo{.name = "disk.inodes_usage_percent",
               .unit = Unit::percent,
               .tags = kTags,
               .help = "Share of the inodes in use; at 100 no file can be made, whatever space is left.",
               .source = kStatvfs,
               .formula = "100 × (f_files − f_ffree) / f_files"},
    MetricInfo{.name = "disk.readonly",
               .unit = Unit::boolean,
               .tags = kTags,
               .help = "1 where the file system is read-only: mounted so, or by the kernel after an error.",
               .source = "/proc/self/mountinfo super options",
               .formula = "1 if they begin with ro; a read-only bind mount of a writable file system is 0"},
    MetricInfo{
        .name = "disk.error",
        .unit = Unit::boolean,
        .tags = "mountpoint,device,fstype,reason",
        .help = "1 while the file system cannot be read; absent when it can.",
        .source = kStatvfs,
        .formula = "reason: stuck (no answer for 5 s), skipped (too many others are stuck), permission, io"},
};

enum Index : std::size_t {
  kTotal,
  kUsed,
  kFree,
  kAvailable,
  kUsage,
  kInodesTotal,
  kInodesUsed,
  kInodesUsage,
  kReadonly,
  kError
};

struct Asked {
  bool is_new = false;  // false: the call of an earlier reading has not returned
  std::shared_ptr<Answer<Result<FileSystemSpace>>> answer =
      std::make_shared<Answer<Result<FileSystemSpace>>>();
};

class Disk final : public SlowCollector {
 public:
  Disk(const ProcRoot& root, DeviceFilter filter, ReadSpace read, const Clock& clock)
      : mountinfo_(root.path("/proc/self/mountinfo")),
        filter_(std::move(filter)),
        read_(std::move(read)),
        calls_(kCallPatience, clock) {}

  Result<void> gather(std::vector<Reading>& out) override {
    const auto text = read_file(mountinfo_);
    if (!text) return text.error();
    std::vector<Mount> mounts;
    if (auto parsed = parse_mountinfo(*text, mounts); !parsed) return parsed;
    mounts = real_mounts(std::move(mounts), filter_);

    std::vector<Asked> asked;
    for (const Mount& mount : mounts) {
      asked.emplace_back();
      asked.back().is_new = calls_.start(key(mount), [read = read_, answer = asked.back().answer,
                                                      path = mount.mountpoint] { answer->set(read(path)); });
    }
    calls_.wait(kCallPatience + kCallPatience);  // ends earlier: when every call has answered or is stuck

    stuck_.clear();
    for (std::size_t i = 0; i < mounts.size(); ++i) add(mounts[i], asked[i], out);
    if (stuck_.empty()) return {};
    return Error{Error::Kind::unavailable, "statvfs", stuck_, 0};
  }

 private:
  // The device number too: what is mounted anew at the place of a hung mount is another file system.
  static std::string key(const Mount& mount) { return mount.device_number + " " + mount.mountpoint; }

  void add(const Mount& mount, const Asked& asked, std::vector<Reading>& out) {
    std::vector<std::string> tags = {tag_text(mount.mountpoint), device_name(mount), tag_text(mount.fstype)};
    const auto stuck =
        calls_.stuck_for(key(mount));  // before looking for the answer, which may come right now
    const auto answer = asked.answer->take();
    if (!answer) {
      if (stuck || !asked.is_new) tell_stuck(tags[0], stuck);
      tags.emplace_back(stuck || !asked.is_new ? "stuck" : "skipped");
      out.push_back({&kMetrics[kError], std::move(tags), 1});
      return;
    }
    if (!answer->ok()) {
      if (answer->error().kind == Error::Kind::not_found)
        return;  // gone since the list was read, or hidden from us
      tags.emplace_back(answer->error().reason());
      out.push_back({&kMetrics[kError], std::move(tags), 1});
      return;
    }
    add_space(answer->value(), mount.is_readonly(), tags, out);
  }

  void tell_stuck(const std::string& mountpoint, const std::optional<std::chrono::nanoseconds>& since) {
    if (!stuck_.empty()) stuck_ += ", ";
    stuck_ += mountpoint;
    if (since) {
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*since).count();
      stuck_ += " has not answered for " + std::to_string(seconds) + " s";
    } else {
      stuck_ += " answers again, and is read next time";
    }
  }

  static void add_space(const FileSystemSpace& space, bool is_readonly, const std::vector<std::string>& tags,
                        std::vector<Reading>& out) {
    const auto add = [&](Index index, double value) { out.push_back({&kMetrics[index], tags, value}); };
    const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
    if (space.total_bytes == 0) return;  // df leaves them out too: no storage of their own
    const std::uint64_t used = space.total_bytes - std::min(space.free_bytes, space.total_bytes);
    add(kTotal, number(space.total_bytes));
    add(kUsed, number(used));
    add(kFree, number(space.free_bytes));
    add(kAvailable, number(space.available_bytes));
    if (const double usable = number(used) + number(space.available_bytes); usable > 0) {
      add(kUsage, percent_of(number(used), usable));
    }
    if (space.inodes > 0) {
      const std::uint64_t inodes_used = space.inodes - std::min(space.inodes_free, space.inodes);
      add(kInodesTotal, number(space.inodes));
      add(kInodesUsed, number(inodes_used));
      add(kInodesUsage, percent_of(number(inodes_used), number(space.inodes)));
    }
    add(kReadonly, is_readonly ? 1 : 0);
  }

  std::string mountinfo_;
  DeviceFilter filter_;
  ReadSpace read_;
  std::string stuck_;  // of this reading, for people
  WatchedCalls calls_;
};

}  // namespace

std::unique_ptr<SlowCollector> make_disk_collector(const ProcRoot& root, const DeviceFilter& filter,
                                                   ReadSpace read, const Clock& clock) {
  return std::make_unique<Disk>(root, filter, std::move(read), clock);
}

constexpr CollectorInfo kDiskCollector{
    .name = "disk",
    .metrics = kMetrics,
    .interval = std::chrono::seconds(60),
    .make_slow = [](const CollectorContext& context) -> std::unique_ptr<SlowCollector> {
      return make_disk_collector(context.root, context.devices, space_reader(context.root), system_clock());
    }};

}  // namespace sysmon
