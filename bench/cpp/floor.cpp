// sysmon_floor: the least that this machine can do, to put our figures beside.
//
//   sysmon_floor tick MS        reads the kernel files of a tick every MS milliseconds and looks at nothing;
//   until killed sysmon_floor fsync FILE N   appends N records of 512 bytes, each made durable; prints the
//   median and p99 as JSON
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string_view>
#include <vector>

namespace {

constexpr std::array kFiles = {
    "/proc/stat",         "/proc/meminfo",         "/proc/loadavg",     "/proc/diskstats",
    "/proc/net/dev",      "/proc/net/snmp",        "/proc/net/netstat", "/proc/vmstat",
    "/proc/pressure/cpu", "/proc/pressure/memory", "/proc/pressure/io", "/proc/uptime"};

[[noreturn]] void tick(long milliseconds) {
  std::vector<int> descriptors;
  for (const char* path : kFiles) descriptors.push_back(::open(path, O_RDONLY | O_CLOEXEC));
  static std::array<char, 65536> buffer;
  timespec due{};
  clock_gettime(CLOCK_MONOTONIC, &due);
  for (;;) {
    for (const int fd : descriptors) {
      if (::pread(fd, buffer.data(), buffer.size(), 0) < 0) continue;  // this kernel lacks the file
    }
    due.tv_nsec += milliseconds % 1000 * 1'000'000;
    due.tv_sec += milliseconds / 1000 + due.tv_nsec / 1'000'000'000;
    due.tv_nsec %= 1'000'000'000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, nullptr);
  }
}

double now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

int fsync_floor(const char* path, std::size_t count) {
  const int fd = ::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) {
    std::perror(path);
    return 1;
  }
  const std::array<char, 512> record{};
  std::vector<double> taken;
  for (std::size_t i = 0; i < count; ++i) {
    const double start = now_ms();
    if (::write(fd, record.data(), record.size()) < 0 || ::fdatasync(fd) != 0) {
      std::perror(path);
      return 1;
    }
    taken.push_back(now_ms() - start);
  }
  ::close(fd);
  std::sort(taken.begin(), taken.end());
  std::printf("{\"p50_ms\": %.4f, \"p99_ms\": %.4f}\n", taken[count / 2], taken[count * 99 / 100]);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode == "tick" && argc == 3 && std::atol(argv[2]) > 0) tick(std::atol(argv[2]));
  if (mode == "fsync" && argc == 4 && std::atol(argv[3]) > 0) {
    return fsync_floor(argv[2], static_cast<std::size_t>(std::atol(argv[3])));
  }
  std::fputs("usage: sysmon_floor tick MS | fsync FILE N\n", stderr);
  return 2;
}
