#include "sysmon/parse/net_dev.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace sysmon;

namespace {

const std::string kHeading = "Inter-|   Receive   |  Transmit\n face |bytes    packets |bytes    packets\n";

}  // namespace

TEST_CASE("net_dev: each interface's counters; a number may touch the name") {
  std::vector<NetDev> devices;
  const std::string text = kHeading +
                           "    lo: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n"
                           "wlp0s20f3:18446744073709551615 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n";
  REQUIRE(parse_net_dev(text, devices).ok());
  REQUIRE(devices.size() == 2);
  CHECK(devices[0].interface == "lo");
  CHECK(devices[0].bytes_recv == 1);
  CHECK(devices[0].packets_recv == 2);
  CHECK(devices[0].errors_in == 3);
  CHECK(devices[0].drops_in == 4);
  CHECK(devices[0].bytes_sent == 5);
  CHECK(devices[0].packets_sent == 6);
  CHECK(devices[0].errors_out == 7);
  CHECK(devices[0].drops_out == 8);
  CHECK(devices[1].interface == "wlp0s20f3");
  CHECK(devices[1].bytes_recv == UINT64_MAX);
  CHECK(parse_net_dev(kHeading, devices).ok());  // a namespace without interfaces
  CHECK(devices.empty());
}

TEST_CASE("net_dev: bad texts are errors that quote the line") {
  std::vector<NetDev> devices;
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("eth0: 1 2 3 4 0 0 0 0 5 6 7 8\n"), kHeading + "\n",
        kHeading + "eth0", kHeading + "eth0:", kHeading + ": 1 2 3 4 0 0 0 0 5 6 7 8",
        kHeading + "eth0: 1 2 3 4 0 0 0 0 5 6 7", kHeading + "eth0: 1 2 3 x 0 0 0 0 5 6 7 8",
        kHeading + "eth0: 1 2 3 4 0 0 0 -1 5 6 7 8",
        kHeading + "eth0: 18446744073709551616 2 3 4 0 0 0 0 5 6 7 8"}) {
    CAPTURE(text);
    const auto result = parse_net_dev(text, devices);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().kind == Error::Kind::malformed);
  }
}
