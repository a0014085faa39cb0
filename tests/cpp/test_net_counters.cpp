#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "sysmon/parse/net_counters.hpp"

using sysmon::NetCounter;
using sysmon::NetCounterParser;

namespace {

constexpr std::array kWanted = {NetCounter{"Tcp", "OutSegs"}, NetCounter{"Tcp", "InSegs"},
                                NetCounter{"Udp", "InErrors"}, NetCounter{"TcpExt", "New"}};
using Values = std::array<std::optional<std::uint64_t>, kWanted.size()>;

constexpr const char* kText =
    "Ip: Forwarding InReceives\n"
    "Ip: 2 56780\n"
    "Tcp: MaxConn InSegs OutSegs RetransSegs\n"
    "Tcp: -1 52970 43698 78\n"
    "Udp: InDatagrams InErrors\n"
    "Udp: 3809 7\n";

}  // namespace

TEST_CASE("net counters: each wanted counter is found whatever its place, absent ones are absent") {
  NetCounterParser parser(kWanted);
  Values values;
  REQUIRE(parser.parse(kText, values).ok());
  CHECK(values == Values{43698, 52970, 7, std::nullopt});
}

TEST_CASE("net counters: columns that moved are found again") {
  NetCounterParser parser(kWanted);
  Values values;
  REQUIRE(parser.parse(kText, values).ok());
  REQUIRE(parser.parse("Tcp: OutSegs Added InSegs\nTcp: 1 2 3\n", values).ok());
  CHECK(values == Values{1, 3, std::nullopt, std::nullopt});
}

TEST_CASE("net counters: bad texts are errors that name the protocol") {
  for (const char* text :
       {"Tcp: InSegs OutSegs\n", "Tcp: InSegs OutSegs\nUdp: 1 2\n", "Tcp: InSegs OutSegs\nTcp: 1\n",
        "Tcp: InSegs OutSegs\nTcp: 1 x\n", "Tcp: InSegs OutSegs\nTcp: -1 2\n",
        "Tcp: InSegs OutSegs\nTcp: 1 18446744073709551616\n"}) {
    CAPTURE(text);
    NetCounterParser parser(kWanted);
    Values values;
    const auto parsed = parser.parse(text, values);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().where == "Tcp");
  }
  NetCounterParser parser(kWanted);
  Values values;
  CHECK(parser.parse("", values).ok());
  CHECK(parser.parse("\n\n\n", values).ok());
  CHECK(parser.parse("no colon at all", values).ok());
}
