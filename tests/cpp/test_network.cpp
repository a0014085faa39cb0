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

const std::string kHeading = "Inter-| Receive | Transmit\n face |bytes |bytes\n";

// The samples of `lines` that come from /sys.
Lines attributes(Lines lines) {
  lines.erase(lines.begin(), lines.begin() + 8);
  return lines;
}

}  // namespace

TEST_CASE("network: counters of every interface that is not ignored") {
  TempTree tree;
  tree.write("/proc/net/dev",
             kHeading + "eth0: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\nveth1: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n");
  DeviceFilter devices;
  devices.ignore_interfaces = {"veth*"};
  Collected network(kNetworkCollector, tree.root(), {}, devices);
  CHECK(network.tick() == Lines{"network.bytes_sent{eth0} 5", "network.bytes_recv{eth0} 1",
                                "network.packets_sent{eth0} 6", "network.packets_recv{eth0} 2",
                                "network.errors_out{eth0} 7", "network.errors_in{eth0} 3",
                                "network.drops_out{eth0} 8", "network.drops_in{eth0} 4"});
}

TEST_CASE("network: attributes are read once a minute") {
  TempTree tree;
  tree.write("/proc/net/dev", kHeading + "eth0: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n");
  tree.write("/sys/class/net/eth0/operstate", "up\n");
  tree.write("/sys/class/net/eth0/speed", "1000\n");
  tree.write("/sys/class/net/eth0/mtu", "9000\n");
  tree.write("/sys/class/net/eth0/carrier_changes", "2\n");
  Collected network(kNetworkCollector, tree.root());
  const Lines up = {"network.up{eth0} 1", "network.speed_bytes{eth0} 125000000",
                    "network.mtu_bytes{eth0} 9000", "network.carrier_changes{eth0} 2"};
  CHECK(attributes(network.tick()) == up);
  tree.write("/sys/class/net/eth0/operstate", "down\n");
  tree.write("/sys/class/net/eth0/speed", "-1\n");
  CHECK(attributes(network.tick(59s)) == up);
  CHECK(attributes(network.tick(1s)) ==
        Lines{"network.up{eth0} 0", "network.mtu_bytes{eth0} 9000", "network.carrier_changes{eth0} 2"});
}

TEST_CASE("network: an interface that does not tell is up where it is switched on") {
  TempTree tree;
  tree.write("/proc/net/dev", kHeading + "lo: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n");
  tree.write("/sys/class/net/lo/operstate", "unknown\n");
  const auto up = [&](const std::string& flags) {
    tree.write("/sys/class/net/lo/flags", flags);
    return attributes(Collected(kNetworkCollector, tree.root()).tick());
  };
  CHECK(up("0x9\n") == Lines{"network.up{lo} 1"});
  CHECK(up("0x8\n") == Lines{"network.up{lo} 0"});
  CHECK(up("nonsense\n").empty());
}
