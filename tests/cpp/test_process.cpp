#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/collectors/all.hpp"
#include "slow_readings.hpp"
#include "sysmon/parse/pid_stat.hpp"
#include "temp_tree.hpp"

using namespace sysmon;

namespace {

using Lines = std::vector<std::string>;

// A stat line up to num_threads and what follows.
std::string stat_line(const std::string& command, char state, int threads) {
  return "812 (" + command + ") " + state + " 1 812 812 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 " +
         std::to_string(threads) + " 0 9000 1000 50\n";
}

std::unique_ptr<SlowCollector> make(const ProcRoot& root) {
  KernelFiles files(root);
  return kProcessCollector.make_slow({files, root, {}, {}});
}

}  // namespace

TEST_CASE("pid stat: the command may hold anything") {
  for (const std::string command : {"nginx", "a b", ") R 1 (", "(((", "", "x\ny", "\xff\x01"}) {
    const auto stat = parse_pid_stat(stat_line(command, 'D', 17));
    REQUIRE(stat.ok());
    CHECK(*stat == PidStat{'D', 17});
  }
}

TEST_CASE("pid stat: bad texts are errors") {
  for (const std::string text :
       {"", "812", "812 (nginx", "812 (nginx) S", "812 (nginx) S 1 2 3 4 5 6 7 8 9 10 11 12 13",
        "812 (nginx) SS 1 812 812 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0",
        "812 (nginx) S 1 812 812 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 -1 0",
        "812 (nginx) S 1 812 812 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 99999999999 0"}) {
    CAPTURE(text);
    CHECK(parse_pid_stat(text).error().kind == Error::Kind::malformed);
  }
}

TEST_CASE("process: counts by state, all threads, the limits; what vanished or is no process is skipped") {
  const TempTree tree;
  tree.write("/proc/1/stat", stat_line("init", 'S', 1));
  tree.write("/proc/2/stat", stat_line("kthreadd", 'I', 1));
  tree.write("/proc/30/stat", stat_line("java", 'S', 40));
  tree.write("/proc/31/stat", stat_line("cc1plus", 'R', 1));
  tree.write("/proc/32/stat", stat_line("gdb'd", 't', 2));
  tree.write("/proc/33/stat", stat_line("stopped", 'T', 1));
  tree.write("/proc/34/stat", stat_line("gone", 'Z', 1));
  tree.write("/proc/35/stat", stat_line("nfs", 'D', 1));
  tree.write("/proc/36/comm", "gone since the directory was read");
  tree.write("/proc/37/stat", "garbage");
  tree.write("/proc/self/stat", stat_line("not counted twice", 'R', 1));
  tree.write("/proc/sys/kernel/pid_max", "4194304\n");
  tree.write("/proc/sys/kernel/threads-max", "126000\n");
  const auto process = make(tree.root());
  const Gathered gathered = readings_of(*process);
  CHECK(gathered.result.ok());
  CHECK(gathered.lines == Lines{"process.count{running} 1", "process.count{sleeping} 2",
                                "process.count{disk_sleep} 1", "process.count{stopped} 2",
                                "process.count{zombie} 1", "process.count{idle} 1", "process.threads 48",
                                "process.pid_limit 4194304", "process.thread_limit 126000"});
}

TEST_CASE("process: states that kernels rarely show are other; no readable process is no count") {
  const TempTree tree;
  tree.write("/proc/sys/kernel/pid_max", "nonsense");
  CHECK(readings_of(*make(tree.root())).lines.empty());
  tree.write("/proc/9/stat", stat_line("parked", 'P', 1));
  const Lines lines = readings_of(*make(tree.root())).lines;
  REQUIRE(lines.size() == 8);
  CHECK(lines[6] == "process.count{other} 1");
}

TEST_CASE("process: this machine has at least this process") {
  const Gathered gathered = readings_of(*make(ProcRoot()));
  CHECK(gathered.result.ok());
  CHECK(gathered.lines.size() >= 9);
}
