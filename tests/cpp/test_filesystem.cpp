#include "sysmon/filesystem.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "temp_tree.hpp"

using namespace sysmon;

namespace {

// Mountpoints of what is left of these mountinfo lines.
std::vector<std::string> real(const std::string& text, const DeviceFilter& filter = {}) {
  std::vector<Mount> mounts;
  REQUIRE(parse_mountinfo(text, mounts).ok());
  std::vector<std::string> mountpoints;
  for (const Mount& mount : real_mounts(std::move(mounts), filter)) mountpoints.push_back(mount.mountpoint);
  return mountpoints;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("what the kernel makes up and images are not file systems to watch") {
  CHECK(real("22 27 0:21 / /proc rw - proc proc rw\n"
             "23 27 0:22 / /sys rw - sysfs sysfs rw\n"
             "24 27 0:6 / /dev rw - devtmpfs devtmpfs rw,size=4k\n"
             "25 24 0:23 / /dev/shm rw - tmpfs tmpfs rw\n"
             "26 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
             "27 1 254:0 / / rw - ext4 /dev/vda rw\n"
             "28 27 7:1 / /snap/core/1 ro - squashfs /dev/loop1 ro\n"
             "29 27 0:30 / /run rw - tmpfs tmpfs rw\n"
             "30 29 0:31 / /run/user/1000 rw - tmpfs tmpfs rw\n"
             "31 29 0:32 / /run/credentials/x.service ro - tmpfs tmpfs ro\n"
             "32 27 0:33 / /mnt/ro-tmpfs ro - tmpfs tmpfs ro\n"
             "33 27 11:0 / /media/cdrom ro - iso9660 /dev/sr0 ro\n"
             "34 27 0:34 / /var/lib/docker/overlay2/ab/merged rw - overlay overlay rw\n"
             "35 27 0:35 / /var/lib/kubelet/pods/1/volumes/secret rw - tmpfs tmpfs rw\n"
             "36 27 0:36 / /net rw - autofs systemd-1 rw\n"
             "37 27 0:37 / /mnt/nfs rw - nfs4 server:/export rw\n") ==
        Names{"/dev/shm", "/", "/run", "/mnt/nfs"});
}

TEST_CASE("a container's root counts, the files its runtime binds do not") {
  CHECK(
      real("600 500 0:50 / / rw - overlay overlay rw,lowerdir=a\n"
           "601 600 254:1 /var/lib/docker/containers/a/resolv.conf /etc/resolv.conf rw - ext4 /dev/sda1 rw\n"
           "602 600 254:1 /var/lib/docker/containers/a/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n"
           "603 600 254:1 /var/lib/docker/containers/a/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"
           "604 600 254:1 /var/lib/docker/volumes/data/_data /data rw - ext4 /dev/sda1 rw\n") ==
      Names{"/", "/data"});
}

TEST_CASE("a file system is counted once, by the mount of its root, else the shortest") {
  CHECK(real("1 0 254:0 / / rw - ext4 /dev/vda rw\n"
             "2 1 254:0 /srv/chroot /a rw - ext4 /dev/vda rw\n"
             "3 1 254:1 /sub /b rw - ext4 /dev/vdb rw\n"
             "4 1 254:1 / /mnt/whole rw - ext4 /dev/vdb rw\n"
             "5 1 0:40 /@home /home rw - btrfs /dev/vdc rw\n"
             "6 1 0:40 /@ /btrfs rw - btrfs /dev/vdc rw\n") == Names{"/", "/mnt/whole", "/home"});
}

TEST_CASE("of two mounts at one place the later is the one to be seen") {
  CHECK(real("1 0 254:0 / /data rw - ext4 /dev/vda rw\n"
             "2 1 254:1 / /data rw - squashfs /dev/loop0 ro\n")
            .empty());
  CHECK(real("1 0 254:1 / /data rw - squashfs /dev/loop0 ro\n"
             "2 1 254:0 / /data rw - ext4 /dev/vda rw\n") == Names{"/data"});
}

TEST_CASE("ignore_mounts leaves out by name or prefix") {
  DeviceFilter filter;
  filter.ignore_mounts = {"/mnt/*", "/boot"};
  CHECK(real("1 0 254:0 / / rw - ext4 /dev/vda rw\n"
             "2 1 254:1 / /mnt/a rw - ext4 /dev/vdb rw\n"
             "3 1 254:2 / /boot rw - ext4 /dev/vdc rw\n"
             "4 1 254:3 / /boot/efi rw - vfat /dev/vdd rw\n",
             filter) == Names{"/", "/boot/efi"});
}

TEST_CASE("device names are those of diskstats where there is one") {
  Mount mount;
  mount.source = "/dev/vda1";
  CHECK(device_name(mount) == "vda1");
  mount.source = "/dev/mapper/vg-root";
  CHECK(device_name(mount) == "mapper/vg-root");
  mount.source = "server:/export";
  CHECK(device_name(mount) == "server:/export");
  mount.source = "evil\x1b[2J";
  CHECK(device_name(mount) == "evil\\x1b[2J");
}

TEST_CASE("recorded statvfs: numbers in blocks, errors by number, other mounts not found") {
  constexpr std::string_view kText =
      "# mountpoint frsize blocks bfree bavail files ffree\n"
      "/ 4096 1000 400 300 640 600\n"
      "/mnt/my\\040disk 512 10 5 5 0 0\n"
      "/root/fuse errno 13\n"
      "/bad 4096 1000 400 300 640\n"
      "/worse errno x\n"
      "/big 1 99999999999999999999 0 0 0 0\n";
  CHECK(*parse_statvfs(kText, "/") == FileSystemSpace{4096000, 1638400, 1228800, 640, 600});
  CHECK(*parse_statvfs(kText, "/mnt/my disk") == FileSystemSpace{5120, 2560, 2560, 0, 0});
  CHECK(parse_statvfs(kText, "/root/fuse").error().kind == Error::Kind::permission);
  CHECK(parse_statvfs(kText, "/root/fuse").error().errno_value == EACCES);
  CHECK(parse_statvfs(kText, "/home").error().kind == Error::Kind::not_found);
  CHECK(parse_statvfs(kText, "/bad").error().kind == Error::Kind::malformed);
  CHECK(parse_statvfs(kText, "/worse").error().kind == Error::Kind::malformed);
  CHECK(parse_statvfs(kText, "/big").error().kind == Error::Kind::malformed);
  CHECK(parse_statvfs("", "/").error().kind == Error::Kind::not_found);
}

TEST_CASE("the reader asks the kernel on a live machine, the text file in a tree") {
  const auto live = space_reader(ProcRoot())("/");
  REQUIRE(live.ok());
  CHECK(live->total_bytes > 0);
  CHECK(live->available_bytes <= live->free_bytes);
  CHECK(space_reader(ProcRoot())("/no/such/mount").error().kind == Error::Kind::not_found);

  const TempTree tree;
  CHECK(space_reader(tree.root())("/").error().kind == Error::Kind::not_found);
  tree.write("/statvfs", "/ 1 4 3 2 1 0\n");
  CHECK(*space_reader(tree.root())("/") == FileSystemSpace{4, 3, 2, 1, 0});
}
