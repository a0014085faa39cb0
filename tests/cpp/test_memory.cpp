#include <unistd.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "collected.hpp"
#include "core/collectors/all.hpp"
#include "temp_tree.hpp"

using namespace sysmon;
using Lines = std::vector<std::string>;

TEST_CASE("memory: used is what cannot be given back") {
  TempTree tree;
  tree.write("/proc/meminfo",
             "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 600 kB\nBuffers: 50 kB\nCached: 500 kB\n");
  Collected memory(kMemoryCollector, tree.root());
  CHECK(memory.tick() == Lines{"memory.total_bytes 1024000", "memory.free_bytes 102400",
                               "memory.cached_bytes 512000", "memory.buffers_bytes 51200",
                               "memory.available_bytes 614400", "memory.used_bytes 409600",
                               "memory.usage_percent 40"});
}

TEST_CASE("memory: before 3.14 available is estimated") {
  TempTree tree;
  tree.write("/proc/meminfo",
             "MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 50 kB\nCached: 500 kB\nShmem: 30 "
             "kB\nSReclaimable: 20 kB\n");
  Collected memory(kMemoryCollector, tree.root());
  CHECK(memory.tick()[4] == "memory.available_bytes " + std::to_string((100 + 50 + 500 + 20 - 30) * 1024));
}

TEST_CASE("memory: the cache of ZFS above its minimum is not used, unless it is the host's") {
  TempTree tree;
  tree.write("/proc/meminfo", "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 200 kB\n");
  tree.write("/proc/spl/kstat/zfs/arcstats", "name type data\nc_min 4 102400\nsize 4 307200\n");
  Collected memory(kMemoryCollector, tree.root(), {{"memory.arc_*"}, {}});
  CHECK(memory.tick() == Lines{"memory.total_bytes 1024000", "memory.free_bytes 102400",
                               "memory.arc_bytes 307200", "memory.arc_min_bytes 102400",
                               "memory.available_bytes 204800", "memory.used_bytes 614400",
                               "memory.usage_percent 60"});
  // More than everything: never negative.
  tree.write("/proc/spl/kstat/zfs/arcstats", "name type data\nc_min 4 0\nsize 4 99999999\n");
  CHECK(memory.tick()[5] == "memory.used_bytes 0");
  tree.write("/run/systemd/container", "lxc");
  Collected guest(kMemoryCollector, tree.root());
  CHECK(guest.tick()[3] == "memory.used_bytes 819200");
}

TEST_CASE("memory: details on demand; a damaged arcstats leaves the rest") {
  TempTree tree;
  tree.write("/proc/meminfo",
             "MemTotal: 1000 kB\nMemAvailable: 200 kB\nDirty: 3 kB\nHugePages_Total: 4\nHugePages_Free: "
             "1\nHugepagesize: 2048 kB\n");
  tree.write("/proc/spl/kstat/zfs/arcstats", "?");
  Collected memory(kMemoryCollector, tree.root(), {{"memory"}, {}});
  CHECK(memory.tick() == Lines{"memory.total_bytes 1024000", "memory.dirty_bytes 3072",
                               "memory.hugepages_total_bytes 8388608", "memory.hugepages_free_bytes 2097152",
                               "memory.available_bytes 204800", "memory.used_bytes 819200",
                               "memory.usage_percent 80"});
  CHECK(memory.result().error().kind == Error::Kind::malformed);
}

TEST_CASE("swap: absent share where there is none; pages become bytes") {
  TempTree tree;
  tree.write("/proc/meminfo", "SwapTotal: 0 kB\nSwapFree: 0 kB\n");
  Collected none(kSwapCollector, tree.root());
  CHECK(none.tick() == Lines{"swap.total_bytes 0", "swap.used_bytes 0"});
  tree.write("/proc/meminfo", "SwapTotal: 1000 kB\nSwapFree: 750 kB\n");
  tree.write("/proc/vmstat", "pswpin 1\npswpout 2\n");
  Collected swap(kSwapCollector, tree.root());
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  CHECK(swap.tick() == Lines{"swap.total_bytes 1024000", "swap.used_bytes 256000", "swap.usage_percent 25",
                             "swap.in_bytes " + std::to_string(page),
                             "swap.out_bytes " + std::to_string(2 * page)});
}

TEST_CASE("vmstat: kills are on by default, faults are not") {
  TempTree tree;
  tree.write("/proc/vmstat", "pgfault 5\npgmajfault 4\noom_kill 1\n");
  CHECK(Collected(kVmstatCollector, tree.root()).tick() == Lines{"memory.oom_kills 1"});
  CHECK(Collected(kVmstatCollector, tree.root(), {{"memory"}, {}}).tick() ==
        Lines{"memory.oom_kills 1", "memory.page_faults 5", "memory.major_faults 4"});
}

TEST_CASE("load and kernel: the figures of their files") {
  TempTree tree;
  tree.write("/proc/loadavg", "1.50 2.25 3.75 1/2 3\n");
  CHECK(Collected(kLoadCollector, tree.root()).tick() ==
        Lines{"load.avg1 1.5", "load.avg5 2.25", "load.avg15 3.75"});
  tree.write("/proc/stat",
             "cpu  1 2 3 4\nintr 5 0 0\nctxt 6\nbtime 7\nprocesses 8\nprocs_running 9\nprocs_blocked 10\n");
  Collected bare(kKernelCollector, tree.root());
  CHECK(bare.tick() == Lines{"kernel.context_switches 6", "kernel.interrupts 5", "kernel.forks 8",
                             "kernel.procs_running 9", "kernel.procs_blocked 10"});
  tree.write("/proc/sys/fs/file-nr", "11\t0\t12\n");
  tree.write("/proc/sys/kernel/random/entropy_avail", "256\n");
  CHECK(bare.tick(std::chrono::seconds(59)).size() ==
        5);  // what was absent is looked for again after a minute
  const Lines lines = bare.tick(std::chrono::seconds(1));
  REQUIRE(lines.size() == 8);
  CHECK(lines[5] == "kernel.entropy_bits 256");
  CHECK(lines[6] == "kernel.fd_allocated 11");
  CHECK(lines[7] == "kernel.fd_limit 12");
}
