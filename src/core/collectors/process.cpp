// process: how many processes and threads there are, and how many there may be.
//
// Slow because it is long, not because it blocks: 7 µs a process, which on a host with 5,000 of them would be
// felt between two ticks.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/collectors/all.hpp"
#include "sysmon/directory.hpp"
#include "sysmon/parse/fields.hpp"
#include "sysmon/parse/pid_stat.hpp"

namespace sysmon {
namespace {

constexpr std::array kMetrics = {
    MetricInfo{
        .name = "process.count",
        .tags = "state",
        .help = "Processes by state.",
        .source = "/proc/<pid>/stat field 3",
        .formula = "R running, S sleeping, D disk_sleep, T and t stopped, Z zombie, I idle; others other"},
    MetricInfo{.name = "process.threads",
               .help = "Threads of all processes.",
               .source = "/proc/<pid>/stat num_threads",
               .formula = "sum over the processes that can be seen"},
    MetricInfo{.name = "process.pid_limit",
               .help = "Process ids go up to here: processes and threads together cannot be more.",
               .source = "/proc/sys/kernel/pid_max"},
    MetricInfo{.name = "process.thread_limit",
               .help = "Most threads the kernel allows, from its memory.",
               .source = "/proc/sys/kernel/threads-max"},
};

enum Index : std::size_t { kCount, kThreads, kPidLimit, kThreadLimit };

constexpr std::array<std::string_view, 7> kStates = {"running", "sleeping", "disk_sleep", "stopped",
                                                     "zombie",  "idle",     "other"};
constexpr std::size_t kOther = kStates.size() - 1;

std::size_t state_index(char state) {
  constexpr std::string_view kLetters = "RSDTZI";
  if (state == 't') state = 'T';
  return std::min(kLetters.find(state), kOther);
}

// Reads one stat file. It is short: 52 numbers and a command of at most 64 bytes.
std::optional<PidStat> read_stat(const std::string& path) {
  std::array<char, 2048> buffer;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return std::nullopt;  // gone since the directory was read
  const ssize_t size = ::read(fd, buffer.data(), buffer.size());
  ::close(fd);
  if (size <= 0) return std::nullopt;  // ESRCH: gone between open and read
  const auto stat = parse_pid_stat(std::string_view(buffer.data(), static_cast<std::size_t>(size)));
  return stat ? std::optional(*stat) : std::nullopt;
}

class Processes final : public SlowCollector {
 public:
  explicit Processes(const ProcRoot& root) : root_(root), proc_(root.path("/proc")) {}

  Result<void> gather(std::vector<Reading>& out) override {
    const auto names = list_directory(proc_);
    if (!names) return names.error();
    std::array<std::uint64_t, kStates.size()> counts{};
    std::uint64_t threads = 0;
    std::uint64_t seen = 0;
    std::string path;
    for (const std::string& name : *names) {
      if (name.front() < '0' || name.front() > '9') continue;
      path.assign(proc_).append("/").append(name).append("/stat");
      const auto stat = read_stat(path);
      if (!stat) continue;
      ++counts[state_index(stat->state)];
      threads += stat->threads;
      ++seen;
    }
    if (seen > 0) {
      for (std::size_t i = 0; i < counts.size(); ++i) {
        if (i == kOther && counts[i] == 0) continue;
        out.push_back({&kMetrics[kCount], {std::string(kStates[i])}, static_cast<double>(counts[i])});
      }
      out.push_back({&kMetrics[kThreads], {}, static_cast<double>(threads)});
    }
    add_limit(kPidLimit, "/proc/sys/kernel/pid_max", out);
    add_limit(kThreadLimit, "/proc/sys/kernel/threads-max", out);
    return {};
  }

 private:
  void add_limit(Index index, std::string_view path, std::vector<Reading>& out) const {
    const auto text = read_file(root_.path(path));
    if (!text) return;
    if (const auto limit = to_number<std::uint64_t>(trimmed(*text))) {
      out.push_back({&kMetrics[index], {}, static_cast<double>(*limit)});
    }
  }

  ProcRoot root_;
  std::string proc_;
};

}  // namespace

constexpr CollectorInfo kProcessCollector{
    .name = "process",
    .metrics = kMetrics,
    .interval = std::chrono::seconds(60),
    .make_slow = [](const CollectorContext& context) -> std::unique_ptr<SlowCollector> {
      return std::make_unique<Processes>(context.root);
    }};

}  // namespace sysmon
