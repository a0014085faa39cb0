#include "sysmon/parse/diskstats.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace sysmon;

TEST_CASE("diskstats: the columns of each age of the kernel") {
  std::vector<DiskStat> disks;
  REQUIRE(parse_diskstats("   8       0 sda 1 2 3 4 5 6 7 8 9 10 11\n"                    // 2.6.25
                          "   8      16 sdb 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n"        // 4.18
                          " 254       0 vda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n"  // 5.5
                          "   8       1 sda1 1 2 3 4\n"  // a partition before 2.6.25
                          " 259       0 nvme0n1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19",
                          disks)
              .ok());
  REQUIRE(disks.size() == 4);
  CHECK(disks[0].device == "sda");
  CHECK(disks[0].reads == 1);
  CHECK(disks[0].reads_merged == 2);
  CHECK(disks[0].sectors_read == 3);
  CHECK(disks[0].read_ms == 4);
  CHECK(disks[0].writes == 5);
  CHECK(disks[0].writes_merged == 6);
  CHECK(disks[0].sectors_written == 7);
  CHECK(disks[0].write_ms == 8);
  CHECK(disks[0].in_progress == 9);
  CHECK(disks[0].io_ms == 10);
  CHECK(disks[0].weighted_io_ms == 11);
  CHECK_FALSE(disks[0].discards.has_value());
  CHECK(disks[1].discards == 12);
  CHECK_FALSE(disks[1].flushes.has_value());
  CHECK(disks[2].flushes == 16);
  CHECK(disks[2].major == 254);
  CHECK(disks[3].device == "nvme0n1");
  CHECK(parse_diskstats("", disks).ok());
  CHECK(disks.empty());
}

TEST_CASE("diskstats: bad texts are errors that quote the line") {
  std::vector<DiskStat> disks;
  for (const std::string text :
       {"\n", "8", "8 0", "8 0 sda", "8 0 sda 1 2 3 4 5", "8 0 sda 1 2 3 4 5 6 7 8 9 10", "x 0 sda 1 2 3 4",
        "8 0 sda 1 2 3 x 5 6 7 8 9 10 11", "8 0 sda 1 2 3 4 5 6 7 8 9 10 -11",
        "8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12", "8 0 sda 1 2 3 4 5 6 7 8 9 10 11 x",
        "8 0 sda 18446744073709551616 2 3 4 5 6 7 8 9 10 11"}) {
    CAPTURE(text);
    const auto result = parse_diskstats(text, disks);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().kind == Error::Kind::malformed);
  }
}
