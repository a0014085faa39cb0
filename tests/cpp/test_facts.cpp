#include "sysmon/facts.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "fake_clock.hpp"
#include "stuck_call.hpp"
#include "temp_tree.hpp"

using namespace std::chrono_literals;
using namespace sysmon;

namespace {

void write_vm(const TempTree& tree) {
  tree.write("/etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n");
  tree.write("/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
  tree.write("/proc/sys/kernel/arch", "x86_64\n");
  tree.write("/sys/class/dmi/id/sys_vendor", "QEMU\n");
  tree.write("/sys/class/dmi/id/product_name", "Standard PC (Q35 + ICH9, 2009)\n");
  tree.write("/proc/stat", "cpu  1 2 3\ncpu0 1 2 3\ncpu1 1 2 3\nintr 5\n");
  tree.write("/proc/meminfo", "MemTotal:       8000 kB\nMemFree: 1 kB\n");
  tree.write("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme hypervisor lahf_lm\n");
  tree.write("/proc/self/mountinfo",
             "30 27 0:45 / /mnt/z rw,noatime - zfs pool/data rw,xattr\n"
             "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n"
             "22 27 0:21 / /proc rw - proc proc rw\n");
  tree.write("/statvfs", "/ 1000 1000 50 0 200 150\n/mnt/z 1 7 7 7 0 0\n");
}

}  // namespace

TEST_CASE("facts of a virtual machine, in a fixed order") {
  const TempTree tree;
  write_vm(tree);
  FactsReader reader(tree.root());
  const Facts facts = reader.read();
  CHECK(
      to_json(facts) ==
      R"json({"os":"Debian GNU/Linux 12 (bookworm)","kernel":"6.1.0-18-amd64","arch":"x86_64",)json"
      R"json("model":"QEMU Standard PC (Q35 + ICH9, 2009)","cores":2,"memory_bytes":8192000,"virtualization":"kvm",)json"
      R"json("mounts":{"/":{"device":"vda","fstype":"ext4","options":"rw,relatime,discard","size_bytes":1000000},)json"
      R"json("/mnt/z":{"device":"pool/data","fstype":"zfs","options":"rw,noatime,xattr"}}})json");
  CHECK(reader.read() == facts);
}

TEST_CASE("facts that are not known are left out") {
  const TempTree tree;
  tree.write("/empty", "");
  CHECK(to_json(FactsReader(tree.root()).read()) == R"({"mounts":{}})");
}

TEST_CASE("facts: hostile names stay inside their JSON strings") {
  const TempTree tree;
  tree.write("/etc/os-release", "PRETTY_NAME='a\"},{\x1b\xff'\n");
  tree.write("/proc/self/mountinfo", "27 1 254:0 / /\"\\134\xff\\012 rw - ext4 /dev/\"x rw\n");
  const auto json = nlohmann::json::parse(to_json(FactsReader(tree.root()).read()));
  CHECK(json["os"] == "a\"},{\\x1b\\xff");
  CHECK(json["mounts"].begin().key() == "/\"\\\\xff\\x0a");
  CHECK(json["mounts"].begin().value()["device"] == "\"x");
}

TEST_CASE("virtualization: the processor decides, the tables name it") {
  const TempTree tree;
  const auto virtualization = [&] { return FactsReader(tree.root()).read().virtualization; };
  CHECK(virtualization().empty());
  tree.write("/proc/cpuinfo", "processor : 0\nflags : fpu\n");
  tree.write("/sys/class/dmi/id/sys_vendor", "Amazon EC2\n");
  CHECK(virtualization().empty());  // rented bare metal
  tree.write("/proc/cpuinfo", "processor : 0\nflags : fpu hypervisor\n");
  CHECK(virtualization() == "amazon");
  tree.write("/sys/class/dmi/id/sys_vendor", "Microsoft Corporation\n");
  tree.write("/sys/class/dmi/id/product_name", "Virtual Machine\n");
  CHECK(virtualization() == "hyperv");
  tree.remove("/sys");
  CHECK(virtualization() == "vm");
}

TEST_CASE("containers are told by the marks their runtimes leave") {
  const TempTree tree;
  const auto container = [&] { return FactsReader(tree.root()).read().container; };
  CHECK(container().empty());
  tree.write("/proc/1/cgroup", "12:cpu:/kubepods/besteffort/pod1\n");
  CHECK(container() == "kubepods");
  tree.write("/run/.containerenv", "");
  CHECK(container() == "podman");
  tree.write("/.dockerenv", "");
  CHECK(container() == "docker");
  tree.write("/run/systemd/container", "lxc\n");
  CHECK(container() == "lxc");
}

TEST_CASE("facts of a board come from its device tree") {
  const TempTree tree;
  tree.write("/proc/device-tree/model", std::string("Raspberry Pi 4 Model B\0", 23));
  CHECK(read_host_info(tree.root()).model == "Raspberry Pi 4 Model B");
}

TEST_CASE("facts: a mount that hangs has no size, and is waited for once") {
  const TempTree tree;
  tree.write("/proc/self/mountinfo",
             "27 1 0:45 / /mnt/nfs rw - nfs4 s:/x rw\n28 1 254:0 / / rw - ext4 /dev/vda rw\n");
  FakeClock clock;
  const StuckCall server;
  const ReadSpace read = [server, &clock](const std::string& mountpoint) -> Result<FileSystemSpace> {
    if (mountpoint == "/mnt/nfs") {
      clock.advance(3s);
      server.enter();
    }
    return FileSystemSpace{100, 50, 50, 0, 0};
  };
  FactsReader reader(tree.root(), {}, read, clock);
  for (int i = 0; i < 2; ++i) {
    const Facts facts = reader.read();
    REQUIRE(facts.mounts.size() == 2);
    CHECK(facts.mounts[0].size_bytes == 100U);
    CHECK_FALSE(facts.mounts[1].size_bytes.has_value());
  }
  CHECK(server.times_entered() == 1);
  server.release();
}

TEST_CASE("the facts' text is kept for a while: it is asked for at every push") {
  const TempTree tree;
  tree.write("/etc/os-release", "NAME=old\n");
  FakeClock clock;
  FactsReader reader(tree.root(), {}, space_reader(tree.root()), clock);
  CHECK(reader.json() == R"({"os":"old","mounts":{}})");
  tree.write("/etc/os-release", "NAME=new\n");
  clock.advance(FactsReader::kEvery - 1s);
  CHECK(reader.json() == R"({"os":"old","mounts":{}})");
  clock.advance(1s);
  CHECK(reader.json() == R"({"os":"new","mounts":{}})");
}

TEST_CASE("the boot id is read, and nothing else taken for one") {
  const TempTree tree;
  CHECK(read_boot_id(tree.root()).error().kind == Error::Kind::not_found);
  tree.write("/proc/sys/kernel/random/boot_id", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9\n");
  CHECK(*read_boot_id(tree.root()) == "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9");
  for (const std::string_view bad : {"", "0a1b2c3d", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9x", "\xff\xfe"}) {
    tree.write("/proc/sys/kernel/random/boot_id", bad);
    CHECK(read_boot_id(tree.root()).error().kind == Error::Kind::malformed);
  }
  CHECK(read_boot_id(ProcRoot()).ok());
}
