#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "collected.hpp"
#include "core/collectors/all.hpp"
#include "temp_tree.hpp"

using namespace sysmon;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {

// The samples of `lines` that are made from differences.
Lines rates(const Lines& lines) {
  Lines found;
  for (const std::string& line : lines) {
    for (const std::string name : {"utilization", "await", "queue_depth"}) {
      if (line.find(name) != std::string::npos) found.push_back(line);
    }
  }
  return found;
}

}  // namespace

TEST_CASE("diskio: counters as they are, rates from differences") {
  TempTree tree;
  tree.write("/proc/diskstats", "8 0 sda 100 1 800 50 200 2 1600 400 0 300 450\n");
  Collected diskio(kDiskioCollector, tree.root());
  CHECK(diskio.tick() == Lines{"diskio.read_bytes{sda} 409600", "diskio.write_bytes{sda} 819200",
                               "diskio.reads{sda} 100", "diskio.writes{sda} 200",
                               "diskio.reads_merged{sda} 1", "diskio.writes_merged{sda} 2"});
  // 10 s later: 10 reads of 5 ms, no writes, busy for 2.5 s, queue 5 s
  tree.write("/proc/diskstats", "8 0 sda 110 1 880 100 200 2 1600 400 0 2800 5450\n");
  CHECK(rates(diskio.tick(10s)) == Lines{"diskio.utilization_percent{sda} 25", "diskio.queue_depth{sda} 0.5",
                                         "diskio.read_await_seconds{sda} 0.0050000000000000001"});
  // Busy for longer than the time that passed: the two are not read at the same moment.
  tree.write("/proc/diskstats", "8 0 sda 110 1 880 100 200 2 1600 400 0 4000 5450\n");
  CHECK(rates(diskio.tick(1s)) == Lines{"diskio.utilization_percent{sda} 100", "diskio.queue_depth{sda} 0"});
  CHECK(rates(diskio.tick(0s)).empty());  // no time has passed
}

TEST_CASE("diskio: no rate across a reset, a wrap or another device of the same name") {
  TempTree tree;
  tree.write("/proc/diskstats", "8 0 sda 100 0 800 50 200 0 1600 4294967290 0 300 450\n");
  Collected diskio(kDiskioCollector, tree.root());
  (void)diskio.tick();
  tree.write("/proc/diskstats", "8 0 sda 101 0 800 60 201 0 1600 10 0 400 500\n");  // write_ms wrapped
  CHECK(rates(diskio.tick(1s)) == Lines{"diskio.utilization_percent{sda} 10",
                                        "diskio.queue_depth{sda} 0.050000000000000003",
                                        "diskio.read_await_seconds{sda} 0.01"});
  tree.write("/proc/diskstats", "8 0 sda 5 0 8 6 2 0 16 10 0 500 600\n");
  CHECK(rates(diskio.tick(1s)).empty());
  tree.write("/proc/diskstats", "8 64 sda 6 0 8 6 2 0 16 10 0 500 600\n");
  CHECK(rates(diskio.tick(1s)).empty());
  tree.write("/proc/diskstats", "8 64 sda 7 0 8 7 2 0 16 10 0 500 600\n");
  CHECK(rates(diskio.tick(1s)).size() == 3);
}

TEST_CASE("diskio: partitions, idle loop devices and what is ignored are left out") {
  TempTree tree;
  const std::string zeros = " 0 0 0 0 0 0 0 0 0 0 0\n";
  tree.write("/proc/diskstats", "8 0 sda" + zeros + "8 1 sda1" + zeros + "7 0 loop0" + zeros +
                                    "7 1 loop1 1 0 8 0 0 0 0 0 0 0 0\n1 0 ram0" + zeros + "9 0 md0" + zeros +
                                    "104 0 cciss/c0d0" + zeros);
  for (const std::string name : {"sda", "loop0", "loop1", "ram0", "md0", "cciss!c0d0"}) {
    tree.write("/sys/block/" + name + "/size", "1\n");
  }
  DeviceFilter devices;
  devices.ignore_devices = {"md*"};
  Collected diskio(kDiskioCollector, tree.root(), {{}, {"diskio"}}, devices);
  CHECK(diskio.tick().empty());
  Collected reads(kDiskioCollector, tree.root(), {}, devices);
  Lines seen;
  for (const std::string& line : reads.tick()) {
    if (line.starts_with("diskio.reads{")) seen.push_back(line);
  }
  CHECK(seen == Lines{"diskio.reads{sda} 0", "diskio.reads{loop1} 1", "diskio.reads{cciss/c0d0} 0"});
}

TEST_CASE("diskio: details on demand") {
  TempTree tree;
  tree.write("/proc/diskstats", "8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n");
  Collected diskio(kDiskioCollector, tree.root(), {{"diskio"}, {"diskio.read*", "diskio.write*"}});
  CHECK(diskio.tick() == Lines{"diskio.io_time_seconds{sda} 0.01",
                               "diskio.weighted_io_time_seconds{sda} 0.010999999999999999",
                               "diskio.in_progress{sda} 9"});
}

TEST_CASE("hotplug: disks and interfaces go and come") {
  const ProcRoot pair(std::string(SYSMON_FIXTURES) + "/hotplug");
  REQUIRE(pair.steps().size() == 2);
  Collected diskio(kDiskioCollector, pair.steps()[0]);
  (void)diskio.tick();
  diskio.set_root(pair.steps()[1]);
  const Lines lines = diskio.tick(10s);
  CHECK(rates(lines) == Lines{"diskio.utilization_percent{sdd} 1",
                              "diskio.queue_depth{sdd} 0.029999999999999999",
                              "diskio.read_await_seconds{sdd} 0.00050000000000000001",
                              "diskio.write_await_seconds{sdd} 0.001"});
  for (const std::string& line : lines) CHECK(line.find("sdb") == std::string::npos);
  diskio.set_root(
      pair.steps()[0]);  // and back again: a new beginning for sdb, and for sda whose counters jumped
  CHECK(rates(diskio.tick(10s)).size() == 4);

  Collected network(kNetworkCollector, pair.steps()[0]);
  CHECK(network.tick().size() == 3 * 12 - 1);  // lo has no speed
  network.set_root(pair.steps()[1]);
  const Lines interfaces = network.tick(10s);
  CHECK(interfaces.size() == 3 * 12 - 1);
  for (const std::string& line : interfaces) CHECK(line.find("eth1") == std::string::npos);
}
