#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/collectors/all.hpp"
#include "slow_readings.hpp"
#include "sysmon/parse/mdstat.hpp"
#include "temp_tree.hpp"

using namespace sysmon;

namespace {

using Lines = std::vector<std::string>;

std::unique_ptr<SlowCollector> make(const ProcRoot& root) {
  KernelFiles files(root);
  return kRaidCollector.make_slow({files, root, {}, {}});
}

}  // namespace

TEST_CASE("mdstat: every array of a host with all kinds") {
  std::vector<MdArray> arrays;
  const auto result = parse_mdstat(
      "Personalities : [raid1] [raid6] [raid5] [raid4] [raid0]\n"
      "md3 : active raid6 sda1[8] sdh1[7] sdg1[6] sdf1[5] sde1[11] sdd1[3] sdc1[10] sdb1[9]\n"
      "      5853468288 blocks super 1.2 level 6, 64k chunk, algorithm 2 [8/8] [UUUUUUUU]\n"
      "      bitmap: 0/22 pages [0KB], 65536KB chunk\n"
      "\n"
      "md0 : active raid5 sdd1[3] sdc1[2](F) sdb1[1] sda1[0](W) sdz1[9](S)\n"
      "      5860270080 blocks super 1.2 level 5, 512k chunk, algorithm 2 [3/2] [UU_]\n"
      "      [==>..................]  recovery = 12.6% (37043392/292945152) finish=127.5min "
      "speed=33440K/sec\n"
      "\n"
      "md1 : active (auto-read-only) raid1 sdb2[1] sda2[0]\n"
      "      1000 blocks super 1.2 [2/2] [UU]\n"
      "      \tresync=PENDING\n"
      "md2 : active raid0 sdb3[1] sda3[0]\n"
      "      2000 blocks super 1.2 512k chunks\n"
      "md4 : inactive sdb4[1](S)\n"
      "      500 blocks super 1.2\n"
      "md127 : inactive sdb[1](S) sda[0](S)\n"
      "      6306 blocks super external:imsm\n"
      "md126 : active raid1 sda[1] sdb[0]\n"
      "      100 blocks super external:/md127/0 [2/2] [UU]\n"
      "unused devices: <none>\n",
      arrays);
  REQUIRE(result.ok());
  const std::vector<MdArray> expected = {
      {"md3", true, false, 8, 8, 8, 0, 0, {}},   {"md0", true, false, 3, 2, 5, 1, 1, 12.65},
      {"md1", true, false, 2, 2, 2, 0, 0, {}},   {"md2", true, false, 0, 0, 2, 0, 0, {}},
      {"md4", false, false, 0, 0, 1, 0, 1, {}},  {"md127", false, true, 0, 0, 2, 0, 2, {}},
      {"md126", true, false, 2, 2, 2, 0, 0, {}},
  };
  CHECK(arrays == expected);
}

TEST_CASE("mdstat: odd texts") {
  for (const std::string_view text :
       {"md0\n", "md0 :\n", "md0 : sleeping raid1\n", "\xff\xfe\n", "md0:active raid1"}) {
    CAPTURE(text);
    std::vector<MdArray> arrays;
    CHECK(parse_mdstat(text, arrays).error().kind == Error::Kind::malformed);
  }
  for (const std::string_view text :
       {"", "Personalities : \nunused devices: <none>\n", "   indented without an array [2/1]\n", "\n\n"}) {
    CAPTURE(text);
    std::vector<MdArray> arrays;
    CHECK(parse_mdstat(text, arrays).ok());
    CHECK(arrays.empty());
  }
  std::vector<MdArray> arrays;
  REQUIRE(
      parse_mdstat(
          "md0 : active raid1 sda[0]\n  [99999999999999999999/1] [70000/1] [/] [] ( [1/ x = (1/0) (2/0)\n",
          arrays)
          .ok());
  CHECK(arrays == std::vector<MdArray>{{"md0", true, false, 0, 0, 1, 0, 0, {}}});
}

TEST_CASE("raid: a degraded array that is being rebuilt") {
  const TempTree tree;
  tree.write("/proc/mdstat",
             "md0 : active raid1 sdc1[2] sdb1[1](F) sda1[0]\n"
             "      1000 blocks super 1.2 [2/1] [U_]\n"
             "      [=>......]  recovery = 50.0% (500/1000) finish=1.0min speed=1K/sec\n"
             "md1 : active raid0 sdb2[1] sda2[0]\n"
             "      2000 blocks 512k chunks\n");
  const Gathered gathered = readings_of(*make(tree.root()));
  CHECK(gathered.result.ok());
  CHECK(gathered.lines == Lines{"raid.degraded{md0} 1", "raid.disks{md0,active} 1",
                                "raid.disks{md0,missing} 1", "raid.disks{md0,failed} 1",
                                "raid.disks{md0,spare} 0", "raid.sync_percent{md0} 50",
                                "raid.degraded{md1} 0", "raid.disks{md1,active} 2",
                                "raid.disks{md1,failed} 0", "raid.disks{md1,spare} 0"});
}

TEST_CASE("raid: a host without md, and one without an array") {
  const TempTree tree;
  CHECK(readings_of(*make(tree.root())).result.error().kind == Error::Kind::not_found);
  tree.write("/proc/mdstat", "Personalities : \nunused devices: <none>\n");
  CHECK(readings_of(*make(tree.root())).result.error().kind == Error::Kind::not_found);
}
