// system: since when it runs, who is on it, what it is.
#include <utmp.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/collectors/all.hpp"
#include "sysmon/directory.hpp"
#include "sysmon/facts.hpp"
#include "sysmon/parse/fields.hpp"
#include "sysmon/parse/utmp.hpp"
#include "sysmon/tag_text.hpp"

namespace sysmon {
namespace {

static_assert(sizeof(utmp) == kUtmpBytes || sizeof(utmp) == kUtmpBytes64);

constexpr std::array kMetrics = {
    MetricInfo{.name = "system.uptime_seconds",
               .unit = Unit::seconds,
               .help = "Time since the host was started.",
               .source = "/proc/uptime first number"},
    MetricInfo{.name = "system.boot_time_seconds",
               .unit = Unit::seconds,
               .help = "When the host was started, in Unix seconds.",
               .source = "/proc/stat btime"},
    MetricInfo{.name = "system.users",
               .help = "Login sessions.",
               .source = "/run/utmp, else /run/systemd/sessions",
               .formula = "records of USER_PROCESS; where there is no utmp, sessions of class user"},
};
enum Index : std::size_t { kUptime, kBootTime, kUsers };

constexpr std::array kInfoMetrics = {
    MetricInfo{.name = "system.info",
               .tags = "os,kernel,arch,model",
               .help = "What the host is, in its tags; the value is always 1.",
               .source = "/etc/os-release, /proc/sys/kernel/osrelease, uname(2), /sys/class/dmi/id"},
    MetricInfo{
        .name = "system.reboot_required",
        .unit = Unit::boolean,
        .help = "1 where an installed update waits for a reboot.",
        .source = "/run/reboot-required",
        .formula = "1 if it exists; 0 if not, on Debian and its family; absent on others, which do not say"},
};
enum InfoIndex : std::size_t { kInfo, kRebootRequired };

std::optional<double> parse_btime(std::string_view stat) {
  while (!stat.empty()) {
    std::string_view line = take_line(stat);
    if (take_word(line) != "btime") continue;
    const auto seconds = to_number<std::uint64_t>(trimmed(line));
    return seconds ? std::optional(static_cast<double>(*seconds)) : std::nullopt;
  }
  return std::nullopt;
}

// A session file of logind ("CLASS=user\nSTATE=active\n"): somebody's, and not just ending.
bool is_user_session(std::string_view text) {
  bool is_user = false;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line == "CLASS=user" || line == "CLASS=user-early") is_user = true;
    if (line == "STATE=closing") return false;
  }
  return is_user;
}

// nullopt where nothing keeps account of sessions, as in most containers.
std::optional<std::size_t> read_users(const ProcRoot& root) {
  if (const auto bytes = read_file(root.path("/run/utmp"))) {
    const auto users = parse_utmp_users(*bytes, sizeof(utmp));
    return users ? std::optional(*users) : std::nullopt;
  }
  // Distributions drop utmp because its time ends in 2038.
  const std::string folder = root.path("/run/systemd/sessions");
  const auto names = list_directory(folder);
  if (!names) return std::nullopt;
  std::size_t users = 0;
  std::string path;
  for (const std::string& name : *names) {
    if (name.ends_with(".ref")) continue;  // a FIFO beside each session
    path.assign(folder).append("/").append(name);
    const auto text = read_file(path);
    if (text && is_user_session(*text)) ++users;
  }
  return users;
}

class System final : public Collector {
 public:
  explicit System(const CollectorContext& context)
      : root_(context.root),
        uptime_(context.files.file("/proc/uptime")),
        stat_(context.files.file("/proc/stat")) {}

  Result<void> collect(const Tick& /*tick*/, SampleSink& out) override {
    if (const auto users = read_users(root_))
      out.emit(out.series(kMetrics[kUsers]), static_cast<double>(*users));
    const auto stat = stat_.read();
    if (!stat) return stat.error();
    if (const auto btime = parse_btime(*stat)) out.emit(out.series(kMetrics[kBootTime]), *btime);
    const auto text = uptime_.read();
    if (!text) return text.error();
    std::string_view fields = trimmed(*text);
    const auto uptime = to_number<double>(take_word(fields));
    if (!uptime) return Error::malformed("/proc/uptime", tag_text(*text));
    out.emit(out.series(kMetrics[kUptime]), *uptime);
    return {};
  }

 private:
  ProcRoot root_;
  KernelFile& uptime_;
  KernelFile& stat_;
};

class SystemInfo final : public Collector {
 public:
  explicit SystemInfo(const ProcRoot& root) : root_(root) {}

  Result<void> collect(const Tick& /*tick*/, SampleSink& out) override {
    const HostInfo info = read_host_info(root_);
    const SeriesId id = out.series(kInfoMetrics[kInfo], {info.os, info.kernel, info.arch, info.model});
    if (id != info_) out.retire(info_);  // upgraded under our feet
    info_ = id;
    out.emit(info_, 1);
    if (const auto required = read_reboot_required()) {
      out.emit(out.series(kInfoMetrics[kRebootRequired]), *required ? 1 : 0);
    }
    return {};
  }

 private:
  [[nodiscard]] std::optional<bool> read_reboot_required() const {
    if (read_file(root_.path("/run/reboot-required"))) return true;
    if (read_file(root_.path("/etc/debian_version"))) return false;
    return std::nullopt;
  }

  ProcRoot root_;
  SeriesId info_ = kNoSeries;
};

}  // namespace

constexpr CollectorInfo kSystemCollector{
    .name = "system",
    .metrics = kMetrics,
    .interval = std::chrono::seconds(60),
    .make = [](const CollectorContext& context) -> std::unique_ptr<Collector> {
      return std::make_unique<System>(context);
    }};

constexpr CollectorInfo kSystemInfoCollector{
    .name = "system_info",
    .metrics = kInfoMetrics,
    .interval = std::chrono::hours(1),
    .make = [](const CollectorContext& context) -> std::unique_ptr<Collector> {
      return std::make_unique<SystemInfo>(context.root);
    }};

}  // namespace sysmon
