// The kernel files of one line or a few: loadavg, uptime, file-nr, vmstat, arcstats.
#include <doctest/doctest.h>

#include <string>

#include "sysmon/parse/arcstats.hpp"
#include "sysmon/parse/file_nr.hpp"
#include "sysmon/parse/loadavg.hpp"
#include "sysmon/parse/uptime.hpp"
#include "sysmon/parse/vmstat.hpp"

using namespace sysmon;

TEST_CASE("loadavg: three means") {
  const auto load = parse_loadavg("5.20 2.62 1.42 11/250 30924\n");
  REQUIRE(load.ok());
  CHECK(load->avg1 == 5.20);
  CHECK(load->avg5 == 2.62);
  CHECK(load->avg15 == 1.42);
  for (const std::string text :
       {"", "\n", "5.20", "5.20 2.62", "5.20 2.62 x", "a b c", "5.20 2.62 1.42x", "nan 1 1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_loadavg(text).ok());
  }
}

TEST_CASE("uptime: milliseconds") {
  const auto uptime = parse_uptime("3223.81 5192.22\n");
  REQUIRE(uptime.ok());
  CHECK(*uptime == 3'223'810);
  for (const std::string text : {"", "\n", "x", "-1.0 2", "1e30 2", "nan 1", "inf 1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_uptime(text).ok());
  }
}

TEST_CASE("file-nr: allocated and limit") {
  const auto files = parse_file_nr("2037\t0\t9223372036854775807\n");
  REQUIRE(files.ok());
  CHECK(files->allocated == 2037);
  CHECK(files->limit == 9223372036854775807ULL);
  for (const std::string text : {"", "1", "1 0", "1 0 x", "1\n0\n2"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_file_nr(text).ok());
  }
}

TEST_CASE("vmstat: the lines wanted, whole names only") {
  VmStat stat;
  REQUIRE(parse_vmstat("nr_free_pages 1\npgpgin 9\npswpin 2\npswpout 3\npgfault 4\npgmajfault 5\noom_kill 6\n"
                       "pgfault_extra x\n",
                       stat)
              .ok());
  CHECK(stat.pages_swapped_in == 2);
  CHECK(stat.pages_swapped_out == 3);
  CHECK(stat.page_faults == 4);
  CHECK(stat.major_faults == 5);
  CHECK(stat.oom_kills == 6);
  REQUIRE(parse_vmstat("", stat).ok());
  CHECK_FALSE(stat.oom_kills.has_value());
  for (const std::string text : {"pgfault", "pgfault x", "oom_kill -1", "pswpin 18446744073709551616"}) {
    CAPTURE(text);
    const auto result = parse_vmstat(text, stat);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().message().find(text) != std::string::npos);
  }
}

TEST_CASE("arcstats: size and minimum") {
  const auto arc =
      parse_arcstats("13 1 0x01 147 39984 1 2\nname type data\nhits 4 7\nc_min 4 100\nsize 4 250\n");
  REQUIRE(arc.ok());
  CHECK(arc->size_bytes == 250);
  CHECK(arc->min_bytes == 100);
  for (const std::string text :
       {"", "size 4 1\n", "c_min 4 1\n", "size 4\nc_min 4 1\n", "size x 1\nc_min 4 1\n"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_arcstats(text).ok());
  }
}
