#include "sysmon/parse/meminfo.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace sysmon;

TEST_CASE("meminfo: figures in bytes, huge pages as counts, the rest absent") {
  MemInfo info;
  REQUIRE(parse_meminfo("MemTotal:       24684084 kB\n"
                        "MemFree:        22378180 kB\n"
                        "SwapCached:            0 kB\n"
                        "Active(anon):       1692 kB\n"
                        "Committed_AS:    3767536 kB\n"
                        "VmallocTotal:   34359738367 kB\n"
                        "HugePages_Total:       3\n"
                        "Hugepagesize:       2048 kB\n"
                        "DirectMap1G:    25165824 kB",
                        info)
              .ok());
  CHECK(info.total == 24684084ULL * 1024);
  CHECK(info.free == 22378180ULL * 1024);
  CHECK(info.committed == 3767536ULL * 1024);
  CHECK(info.hugepages_total == 3);
  CHECK(info.hugepage_size == 2048ULL * 1024);
  CHECK_FALSE(info.available.has_value());
  CHECK_FALSE(info.cached.has_value());  // not SwapCached
  REQUIRE(parse_meminfo("", info).ok());
  CHECK_FALSE(info.total.has_value());
}

TEST_CASE("meminfo: the order of the lines does not matter") {
  MemInfo info;
  REQUIRE(parse_meminfo("Hugepagesize: 1 kB\nCached: 2 kB\nMemTotal: 3 kB\n", info).ok());
  CHECK(info.hugepage_size == 1024);
  CHECK(info.cached == 2048);
  CHECK(info.total == 3072);
}

TEST_CASE("meminfo: bad texts are errors that quote the line") {
  MemInfo info;
  for (const std::string text :
       {"MemTotal:", "MemTotal: kB", "MemTotal: -1 kB", "MemTotal: 1 MB", "MemTotal: 1.5 kB",
        "MemTotal: 99999999999999999999 kB", "MemTotal: 18446744073709551615 kB"}) {
    CAPTURE(text);
    const auto result = parse_meminfo(text, info);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().message().find(text) != std::string::npos);
  }
  // Not ours: passed over, whatever they are.
  for (const std::string& text :
       {std::string("\n\n"), std::string("New: x y z"), std::string("no colon"), std::string("\0:\xff", 3)}) {
    CAPTURE(text);
    CHECK(parse_meminfo(text, info).ok());
  }
}
