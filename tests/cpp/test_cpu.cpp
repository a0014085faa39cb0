#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "collected.hpp"
#include "core/collectors/all.hpp"
#include "temp_tree.hpp"

using namespace sysmon;
using Lines = std::vector<std::string>;

TEST_CASE("cpu: shares of the time between two readings; waiting for a disk is not busy, steal is") {
  TempTree tree;
  tree.write("/proc/stat", "cpu  100 0 100 1000 50 0 0 0 0 0\ncpu0 100 0 100 1000 50 0 0 0 0 0\n");
  Collected cpu(kCpuCollector, tree.root());
  CHECK(cpu.tick() == Lines{"cpu.logical_count 1"});  // no difference to take yet
  // 40 user of which 10 guest, 10 system, 30 idle, 15 iowait, 5 steal
  tree.write("/proc/stat", "cpu  140 0 110 1030 65 0 0 5 10 0\ncpu0 140 0 110 1030 65 0 0 5 10 0\n");
  CHECK(cpu.tick() == Lines{"cpu.total_usage 55", "cpu.user_percent 40", "cpu.system_percent 10",
                            "cpu.nice_percent 0", "cpu.iowait_percent 15", "cpu.irq_percent 0",
                            "cpu.softirq_percent 0", "cpu.steal_percent 5", "cpu.idle_percent 30",
                            "cpu.guest_percent 10", "cpu.core_usage{0} 55", "cpu.logical_count 1"});
  CHECK(cpu.tick() == Lines{"cpu.logical_count 1"});  // no time has passed
}

TEST_CASE("cpu: a time that goes back counts as none") {
  TempTree tree;
  tree.write("/proc/stat", "cpu  100 0 0 1000 50 0 0 0 0 0\n");
  Collected cpu(kCpuCollector, tree.root());
  (void)cpu.tick();
  tree.write("/proc/stat", "cpu  125 0 0 1075 49 0 0 0 0 0\n");
  const Lines lines = cpu.tick();
  CHECK(lines[0] == "cpu.total_usage 25");
  CHECK(lines[4] == "cpu.iowait_percent 0");
}

TEST_CASE("cpu: cores go and come, and start anew") {
  TempTree tree;
  const std::string total = "cpu  1 0 0 1 0 0 0 0 0 0\n";
  tree.write("/proc/stat", total + "cpu0 10 0 0 10 0 0 0 0 0 0\ncpu1 50 0 0 50 0 0 0 0 0 0\n");
  Collected cpu(kCpuCollector, tree.root());
  (void)cpu.tick();
  tree.write("/proc/stat", total + "cpu0 20 0 0 20 0 0 0 0 0 0\n");
  CHECK(cpu.tick() == Lines{"cpu.core_usage{0} 50", "cpu.logical_count 1"});
  tree.write("/proc/stat", total + "cpu0 20 0 0 40 0 0 0 0 0 0\ncpu1 1 0 0 1 0 0 0 0 0 0\n");
  CHECK(cpu.tick() == Lines{"cpu.core_usage{0} 0", "cpu.logical_count 2"});
  tree.write("/proc/stat", total + "cpu0 20 0 0 40 0 0 0 0 0 0\ncpu1 4 0 0 2 0 0 0 0 0 0\n");
  CHECK(cpu.tick() == Lines{"cpu.core_usage{1} 75", "cpu.logical_count 2"});
}

TEST_CASE("cpu: two threads of a core are one physical core; details on demand") {
  TempTree tree;
  tree.write("/proc/stat", "cpu  1 2 3 4\ncpu0 100 2 3 4\ncpu1 1 2 3 4\ncpu2 1 2 3 4\n");
  for (const std::string cpu : {"0", "1", "2"}) {
    const std::string folder = "/sys/devices/system/cpu/cpu" + cpu;
    tree.write(folder + "/topology/physical_package_id", cpu == "2" ? "1\n" : "0\n");
    tree.write(folder + "/topology/core_id", "0\n");
  }
  tree.write("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "2400000\n");
  tree.write("/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "7\n");
  Collected cpu(kCpuCollector, tree.root(), {{"cpu"}, {}});
  CHECK(cpu.tick() ==
        Lines{"cpu.time_seconds{0,user} 1", "cpu.time_seconds{0,nice} 0.02",
              "cpu.time_seconds{0,system} 0.029999999999999999",
              "cpu.time_seconds{0,idle} 0.040000000000000001", "cpu.frequency_hertz{0} 2400000000",
              "cpu.throttles{0} 7", "cpu.time_seconds{1,user} 0.01", "cpu.time_seconds{1,nice} 0.02",
              "cpu.time_seconds{1,system} 0.029999999999999999",
              "cpu.time_seconds{1,idle} 0.040000000000000001", "cpu.time_seconds{2,user} 0.01",
              "cpu.time_seconds{2,nice} 0.02", "cpu.time_seconds{2,system} 0.029999999999999999",
              "cpu.time_seconds{2,idle} 0.040000000000000001", "cpu.logical_count 3",
              "cpu.physical_count 2"});
}

TEST_CASE("cpu: no /proc/stat is a status, a damaged one an error") {
  TempTree tree;
  Collected cpu(kCpuCollector, tree.root());
  CHECK(cpu.tick().empty());
  CHECK(cpu.result().error().kind == Error::Kind::not_found);
  tree.write("/proc/stat", "cpu  x\n");
  CHECK(cpu.tick().empty());
  CHECK(cpu.result().error().kind == Error::Kind::malformed);
}
