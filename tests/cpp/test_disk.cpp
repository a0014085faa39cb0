#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/collectors/all.hpp"
#include "core/collectors/disk.hpp"
#include "fake_clock.hpp"
#include "slow_readings.hpp"
#include "stuck_call.hpp"
#include "temp_tree.hpp"

using namespace std::chrono_literals;
using namespace sysmon;

namespace {

using Lines = std::vector<std::string>;

constexpr std::string_view kRoot = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n";
constexpr std::string_view kNfs = "30 27 0:45 / /mnt/nfs rw,relatime - nfs4 server:/export rw,hard\n";

}  // namespace

TEST_CASE("disk: df's figures, root's reserve does not hide a full disk") {
  const TempTree tree;
  tree.write("/proc/self/mountinfo", kRoot);
  tree.write("/statvfs", "/ 1000 1000 50 0 200 150\n");
  const auto disk = make_disk_collector(tree.root(), {}, space_reader(tree.root()), system_clock());
  const Gathered gathered = readings_of(*disk);
  CHECK(gathered.result.ok());
  CHECK(gathered.lines == Lines{"disk.total_bytes{/,vda,ext4} 1000000", "disk.used_bytes{/,vda,ext4} 950000",
                                "disk.free_bytes{/,vda,ext4} 50000", "disk.available_bytes{/,vda,ext4} 0",
                                "disk.usage_percent{/,vda,ext4} 100", "disk.inodes_total{/,vda,ext4} 200",
                                "disk.inodes_used{/,vda,ext4} 50", "disk.inodes_usage_percent{/,vda,ext4} 25",
                                "disk.readonly{/,vda,ext4} 0"});
}

TEST_CASE("disk: no inodes, no usable block and a remount after an error") {
  const TempTree tree;
  tree.write("/proc/self/mountinfo",
             "27 1 254:0 / / rw - btrfs /dev/vda ro\n"
             "28 27 254:1 / /boot ro - vfat /dev/vdb rw\n"
             "29 27 0:9 / /none rw - fuse.x x rw\n");
  tree.write("/statvfs", "/ 1 3 2 2 0 0\n/boot 1 5 5 0 0 0\n/none 1 0 0 0 0 0\n");
  const auto disk = make_disk_collector(tree.root(), {}, space_reader(tree.root()), system_clock());
  CHECK(readings_of(*disk).lines ==
        Lines{"disk.total_bytes{/,vda,btrfs} 3", "disk.used_bytes{/,vda,btrfs} 1",
              "disk.free_bytes{/,vda,btrfs} 2", "disk.available_bytes{/,vda,btrfs} 2",
              "disk.usage_percent{/,vda,btrfs} 33.329999999999998", "disk.readonly{/,vda,btrfs} 1",
              "disk.total_bytes{/boot,vdb,vfat} 5", "disk.used_bytes{/boot,vdb,vfat} 0",
              "disk.free_bytes{/boot,vdb,vfat} 5", "disk.available_bytes{/boot,vdb,vfat} 0",
              "disk.readonly{/boot,vdb,vfat} 0"});
}

TEST_CASE("disk: a mount that hangs is reported and skipped, and taken back when it answers") {
  const TempTree tree;
  tree.write("/proc/self/mountinfo", std::string(kNfs) + std::string(kRoot));
  FakeClock clock;
  const StuckCall server;
  const ReadSpace read = [server, &clock](const std::string& mountpoint) -> Result<FileSystemSpace> {
    if (mountpoint == "/mnt/nfs") {
      clock.advance(6s);
      server.enter();
    }
    return FileSystemSpace{100, 50, 50, 0, 0};
  };
  const auto disk = make_disk_collector(tree.root(), {}, read, clock);
  const Lines root = {"disk.total_bytes{/,vda,ext4} 100",  "disk.used_bytes{/,vda,ext4} 50",
                      "disk.free_bytes{/,vda,ext4} 50",    "disk.available_bytes{/,vda,ext4} 50",
                      "disk.usage_percent{/,vda,ext4} 50", "disk.readonly{/,vda,ext4} 0"};
  Lines with_error = {"disk.error{/mnt/nfs,server:/export,nfs4,stuck} 1"};
  with_error.insert(with_error.end(), root.begin(), root.end());

  Gathered gathered = readings_of(*disk);
  CHECK(gathered.lines == with_error);
  REQUIRE_FALSE(gathered.result.ok());
  CHECK(gathered.result.error().kind == Error::Kind::unavailable);
  CHECK(gathered.result.error().message() == "statvfs: /mnt/nfs has not answered for 6 s");

  clock.advance(60s);
  gathered = readings_of(*disk);
  CHECK(gathered.lines == with_error);
  CHECK(gathered.result.error().message() == "statvfs: /mnt/nfs has not answered for 66 s");
  CHECK(server.times_entered() == 1);  // never a second thread on the same mount

  server.release();
  // The thread comes back in its own time; each reading until then is as before.
  do gathered = readings_of(*disk);
  while (!gathered.result.ok());
  CHECK(gathered.lines.size() == 12);
  CHECK(gathered.lines.front() == "disk.total_bytes{/mnt/nfs,server:/export,nfs4} 100");
}

TEST_CASE("disk: what is mounted in the place of a hung mount is read") {
  const TempTree tree;
  tree.write("/proc/self/mountinfo", kNfs);
  FakeClock clock;
  const StuckCall server;
  const auto calls = std::make_shared<std::atomic<int>>(0);
  const ReadSpace read = [server, calls, &clock](const std::string&) -> Result<FileSystemSpace> {
    if (calls->fetch_add(1) == 0) {
      clock.advance(6s);
      server.enter();
    }
    return FileSystemSpace{100, 50, 50, 0, 0};
  };
  const auto disk = make_disk_collector(tree.root(), {}, read, clock);
  CHECK_FALSE(readings_of(*disk).result.ok());
  tree.write("/proc/self/mountinfo",
             "31 27 0:46 / /mnt/nfs rw - nfs4 other:/export rw\n");  // after umount -l
  CHECK(readings_of(*disk).result.ok());
  server.release();
}

TEST_CASE("disk: a mount that may not be read is a state, not a failure; one that went is nothing") {
  const TempTree tree;
  tree.write("/proc/self/mountinfo",
             "30 27 0:45 / /home/u/fuse rw - fuse.sshfs h: rw\n"
             "31 27 0:46 / /gone rw - ext4 /dev/x rw\n"
             "32 27 0:47 / /stale rw - nfs s:/ rw\n");
  tree.write("/statvfs", "/home/u/fuse errno 13\n/stale errno 116\n");
  const auto disk = make_disk_collector(tree.root(), {}, space_reader(tree.root()), system_clock());
  const Gathered gathered = readings_of(*disk);
  CHECK(gathered.result.ok());
  CHECK(gathered.lines ==
        Lines{"disk.error{/home/u/fuse,h:,fuse.sshfs,permission} 1", "disk.error{/stale,s:/,nfs,io} 1"});
}

TEST_CASE("disk: hostile mount names reach statvfs as they are and tags escaped") {
  const TempTree tree;
  tree.write("/proc/self/mountinfo",
             "30 27 0:45 / /mnt/a\\040b\\012\x1b[2J\xff rw - ext4 /dev/sd\\011x rw\n");
  const auto asked = std::make_shared<std::string>();
  const ReadSpace read = [asked](const std::string& mountpoint) -> Result<FileSystemSpace> {
    *asked = mountpoint;
    return FileSystemSpace{100, 50, 50, 0, 0};
  };
  const auto disk = make_disk_collector(tree.root(), {}, read, system_clock());
  const Gathered gathered = readings_of(*disk);
  CHECK(*asked == "/mnt/a b\n\x1b[2J\xff");
  REQUIRE_FALSE(gathered.lines.empty());
  CHECK(gathered.lines[0] == "disk.total_bytes{/mnt/a b\\x0a\\x1b[2J\\xff,sd\\x09x,ext4} 100");
}

TEST_CASE("disk: no mountinfo, or one that is none, is an error") {
  const TempTree tree;
  const auto disk = make_disk_collector(tree.root(), {}, space_reader(tree.root()), system_clock());
  CHECK(readings_of(*disk).result.error().kind == Error::Kind::not_found);
  tree.write("/proc/self/mountinfo", "not a mountinfo\n");
  CHECK(readings_of(*disk).result.error().kind == Error::Kind::malformed);
}
