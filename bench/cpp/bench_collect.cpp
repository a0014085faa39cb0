// Collection against its floor: the same kernel files read with pread and not looked at.
//
// Both run in one process in turn, so that the ratio holds whatever the machine does meanwhile.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "sysmon/metrics_collector.hpp"

namespace {

// What a tick of the every-tick families reads on an ordinary host.
constexpr std::array kFiles = {
    "/proc/stat",         "/proc/meminfo",         "/proc/loadavg",     "/proc/diskstats",
    "/proc/net/dev",      "/proc/net/snmp",        "/proc/net/netstat", "/proc/vmstat",
    "/proc/pressure/cpu", "/proc/pressure/memory", "/proc/pressure/io", "/proc/pressure/irq",
    "/proc/net/sockstat", "/proc/sys/fs/file-nr",  "/proc/self/stat",
};

void floor_reading_only(benchmark::State& state) {
  std::vector<int> descriptors;
  for (const char* path : kFiles) {
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) descriptors.push_back(fd);
  }
  std::array<char, 65536> buffer;
  for (auto _ : state) {
    for (const int fd : descriptors) benchmark::DoNotOptimize(::pread(fd, buffer.data(), buffer.size(), 0));
  }
  for (const int fd : descriptors) ::close(fd);
  state.counters["files"] = static_cast<double>(descriptors.size());
}
BENCHMARK(floor_reading_only)->Unit(benchmark::kMicrosecond);

void collect_and_parse(benchmark::State& state) {
  sysmon::MetricsCollector collector({});
  (void)collector.sample();  // slow sources answer once, before the clock runs
  std::size_t samples = 0;
  for (auto _ : state) samples = collector.sample(std::chrono::milliseconds{0}).samples.size();
  state.counters["samples"] = static_cast<double>(samples);
}
BENCHMARK(collect_and_parse)->Unit(benchmark::kMicrosecond);

}  // namespace
