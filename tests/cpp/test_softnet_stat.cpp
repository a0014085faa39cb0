#include <doctest/doctest.h>

#include <vector>

#include "sysmon/parse/softnet_stat.hpp"

using sysmon::parse_softnet_stat;
using sysmon::SoftnetStat;

TEST_CASE("softnet_stat: the CPU's number stands in column 13, or is that of the line") {
  std::vector<SoftnetStat> stats;
  REQUIRE(parse_softnet_stat("000036e2 00000001 00000000 0 0 0 0 0 0 0 0 0 00000000 0 0\n"
                             "0000a711 00000000 0000001f 0 0 0 0 0 0 0 0 0 00000004 0 0\n",
                             stats)
              .ok());
  CHECK(stats == std::vector<SoftnetStat>{{0, 1, 0}, {4, 0, 0x1f}});
  stats.clear();
  REQUIRE(parse_softnet_stat("1 2 3 0 0\n1 0 0 0 0\n", stats).ok());
  CHECK(stats == std::vector<SoftnetStat>{{0, 2, 3}, {1, 0, 0}});
}

TEST_CASE("softnet_stat: bad texts") {
  std::vector<SoftnetStat> stats;
  CHECK(parse_softnet_stat("", stats).ok());
  for (const char* text : {"\n", "1 2\n", "1 2 g\n", "1 2 100000000\n", "1 2 -3\n"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_softnet_stat(text, stats).ok());
  }
}
