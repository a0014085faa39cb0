#include <doctest/doctest.h>
#include <utmp.h>

#include <string>
#include <vector>

#include "collected.hpp"
#include "core/collectors/all.hpp"
#include "sysmon/parse/utmp.hpp"
#include "temp_tree.hpp"

using namespace sysmon;

namespace {

using Lines = std::vector<std::string>;

std::string utmp_record(char type, std::size_t size) {
  std::string record(size, '\0');
  record[0] = type;
  return record;
}

}  // namespace

TEST_CASE("utmp: sessions are records of type USER_PROCESS") {
  const std::string bytes = utmp_record(2, 384) + utmp_record(7, 384) + utmp_record(8, 384) +
                            utmp_record(7, 384) + utmp_record(6, 384);
  CHECK(*parse_utmp_users(bytes, kUtmpBytes) == 2);
  CHECK(*parse_utmp_users("", kUtmpBytes) == 0);
  CHECK(parse_utmp_users(bytes.substr(1), kUtmpBytes).error().kind == Error::Kind::malformed);
  CHECK(parse_utmp_users("x", kUtmpBytes).error().kind == Error::Kind::malformed);
}

TEST_CASE("system: uptime, boot time and users") {
  const TempTree tree;
  tree.write("/proc/uptime", "86400.12 170000.00\n");
  tree.write("/proc/stat", "cpu  1 2 3\nbtime 1738772400\nprocesses 5\n");
  tree.write("/run/utmp", utmp_record(7, sizeof(utmp)) + utmp_record(8, sizeof(utmp)));
  Collected system(kSystemCollector, tree.root());
  CHECK(system.tick() == Lines{"system.users 1", "system.boot_time_seconds 1738772400",
                               "system.uptime_seconds 86400.119999999995"});
  CHECK(system.result().ok());
}

TEST_CASE("system: without utmp logind's sessions count, without either nothing does") {
  const TempTree tree;
  tree.write("/proc/uptime", "1.00 1.00\n");
  tree.write("/proc/stat", "cpu 1\n");
  Collected system(kSystemCollector, tree.root());
  CHECK(system.tick() == Lines{"system.uptime_seconds 1"});
  tree.write("/run/systemd/sessions/1", "# This is private data.\nUID=1000\nCLASS=user\nSTATE=active\n");
  tree.write("/run/systemd/sessions/1.ref", "");
  tree.write("/run/systemd/sessions/2", "CLASS=greeter\nSTATE=online\n");
  tree.write("/run/systemd/sessions/3", "STATE=closing\nCLASS=user\n");
  tree.write("/run/systemd/sessions/4", "CLASS=user-early\n");
  CHECK(system.tick() == Lines{"system.users 2", "system.uptime_seconds 1"});
}

TEST_CASE("system: nonsense is an error that keeps what was understood") {
  const TempTree tree;
  Collected system(kSystemCollector, tree.root());
  CHECK(system.tick().empty());
  CHECK(system.result().error().kind == Error::Kind::not_found);
  tree.write("/proc/stat", "btime soon\n");
  for (const std::string_view text : {"", "up", "nan 1", "inf 1", "1e999 1", "\xff"}) {
    CAPTURE(text);
    tree.write("/proc/uptime", text);
    CHECK(system.tick().empty());
    CHECK(system.result().error().kind == Error::Kind::malformed);
  }
}

TEST_CASE("system_info: what the host is; an upgrade is another series") {
  const TempTree tree;
  tree.write("/etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n");
  tree.write("/etc/debian_version", "12.4\n");
  tree.write("/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
  tree.write("/proc/sys/kernel/arch", "x86_64\n");
  tree.write("/sys/class/dmi/id/sys_vendor", "Dell Inc.\n");
  tree.write("/sys/class/dmi/id/product_name", "PowerEdge R740\n");
  Collected info(kSystemInfoCollector, tree.root());
  CHECK(info.tick() ==
        Lines{"system.info{Debian GNU/Linux 12 (bookworm),6.1.0-18-amd64,x86_64,Dell Inc. PowerEdge R740} 1",
              "system.reboot_required 0"});
  tree.write("/run/reboot-required", "*** System restart required ***\n");
  tree.write("/etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\n");
  CHECK(info.tick() ==
        Lines{"system.info{Debian GNU/Linux 13 (trixie),6.1.0-18-amd64,x86_64,Dell Inc. PowerEdge R740} 1",
              "system.reboot_required 1"});
}

TEST_CASE("system_info: a distribution that does not say whether to reboot") {
  const TempTree tree;
  tree.write("/etc/os-release", "NAME=Arch\n");
  Collected info(kSystemInfoCollector, tree.root());
  CHECK(info.tick() == Lines{"system.info{Arch,,,} 1"});
}
