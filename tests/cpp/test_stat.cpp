#include "sysmon/parse/stat.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace sysmon;

namespace {

constexpr std::string_view kText =
    "cpu  92089 3085 22174 519222 3116 0 470 4206 11 12\n"
    "cpu0 38857 1639 10043 268903 507 0 52 2195 1 2\n"
    "cpu3 53231 1445 12130 250319 2608 0 418 2011 10 10\n"
    "intr 1352459 0 0 7\n"
    "ctxt 3616966\n"
    "btime 1795463627\n"
    "processes 30922\n"
    "procs_running 11\n"
    "procs_blocked 2\n"
    "softirq 658681 0 87464\n";

}  // namespace

TEST_CASE("stat: the cpu lines") {
  CpuTimes total;
  std::vector<CpuStat> cpus;
  REQUIRE(parse_stat_cpus(kText, total, cpus).ok());
  CHECK(total.columns == 10);
  CHECK(total.at(CpuMode::user) == 92089);
  CHECK(total.at(CpuMode::steal) == 4206);
  CHECK(total.at(CpuMode::guest_nice) == 12);
  REQUIRE(cpus.size() == 2);
  CHECK(cpus[0].cpu == 0);
  CHECK(cpus[1].cpu == 3);  // 1 and 2 are offline
  CHECK(cpus[1].times.at(CpuMode::idle) == 250319);
}

TEST_CASE("stat: columns that an old kernel lacks are absent, those of a later one ignored") {
  CpuTimes total;
  std::vector<CpuStat> cpus;
  REQUIRE(parse_stat_cpus("cpu  1 2 3 4\ncpu0 1 2 3 4\n", total, cpus).ok());
  CHECK(total.at(CpuMode::idle) == 4);
  CHECK_FALSE(total.at(CpuMode::iowait).has_value());
  CHECK(parse_stat_cpus("cpu  1 2 3 4 5 6 7 8 9 10 11 12\n", total, cpus).ok());
  CHECK(total.columns == 10);
  CHECK(cpus.empty());
}

TEST_CASE("stat: the counters") {
  StatCounters counters;
  REQUIRE(parse_stat_counters(kText, counters).ok());
  CHECK(counters.interrupts == 1352459);
  CHECK(counters.context_switches == 3616966);
  CHECK(counters.boot_time_s == 1795463627);
  CHECK(counters.forks == 30922);
  CHECK(counters.procs_running == 11);
  CHECK(counters.procs_blocked == 2);
  REQUIRE(parse_stat_counters("", counters).ok());
  CHECK_FALSE(counters.forks.has_value());
}

TEST_CASE("stat: bad texts are errors that quote the line") {
  CpuTimes total;
  std::vector<CpuStat> cpus;
  for (const std::string text :
       {"", "\n", "cpu", "cpu  1 2 3", "cpu  1 2 x 4", "cpu  1 2 3 -4", "cpu  1 2 3 18446744073709551616",
        "cpu0 1 2 3 4", "cpu  1 2 3 4\ncpu0 1 2 3", "cpu  1 2 3 4\ncpux 1 2 3 4",
        "cpu  1 2 3 4\ncpu99999999 1 2 3 4", "cpu  1 2 3 4x"}) {
    CAPTURE(text);
    const auto result = parse_stat_cpus(text, total, cpus);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().kind == Error::Kind::malformed);
  }
  StatCounters counters;
  for (const std::string text : {"ctxt", "ctxt x", "intr -1", "btime 99999999999999999999"}) {
    CAPTURE(text);
    const auto result = parse_stat_counters(text, counters);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().message().find(text) != std::string::npos);
  }
}

TEST_CASE("stat: a line may end as on another system") {
  CpuTimes total;
  std::vector<CpuStat> cpus;
  REQUIRE(parse_stat_cpus("cpu  1 2 3 4\r\ncpu0 1 2 3 4\r\n", total, cpus).ok());
  CHECK(cpus.size() == 1);
}
