#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "collected.hpp"
#include "core/collectors/all.hpp"
#include "sysmon/parse/adjtimex.hpp"
#include "temp_tree.hpp"

using namespace sysmon;

TEST_CASE("adjtimex: nanoseconds with STA_NANO, microseconds without; TIME_ERROR is not synchronized") {
  CHECK(*parse_adjtimex("state 0\nstatus 8193\noffset -12345\nmaxerror 500\nesterror 16\n") ==
        ClockState{-0.000012345, 0.0005, true});
  CHECK(*parse_adjtimex("maxerror 16000000\noffset -12345\nstatus 64\nstate 5") ==
        ClockState{-0.012345, 16, false});
}

TEST_CASE("adjtimex: bad texts are errors") {
  for (const std::string_view text :
       {"", "state 0\nstatus 1\noffset 2\n", "state\nstatus 1\noffset 2\nmaxerror 3\n",
        "state 0\nstatus x\noffset 2\nmaxerror 3\n",
        "state 0\nstatus 1\noffset 99999999999999999999\nmaxerror 3\n", "\xff\xfe\x01"}) {
    CAPTURE(text);
    CHECK(parse_adjtimex(text).error().kind == Error::Kind::malformed);
  }
}

TEST_CASE("time: from a recorded tree, and from the kernel") {
  const TempTree tree;
  Collected recorded(kTimeCollector, tree.root());
  CHECK(recorded.tick().empty());
  CHECK(recorded.result().error().kind == Error::Kind::not_found);
  tree.write("/adjtimex", "state 0\nstatus 8193\noffset 1500000\nmaxerror 250000\nesterror 16\n");
  CHECK(recorded.tick() == std::vector<std::string>{"time.offset_seconds 0.0015",
                                                    "time.max_error_seconds 0.25", "time.synchronized 1"});

  Collected live(kTimeCollector, ProcRoot());
  // A sandbox may forbid the call; then it says so.
  CHECK((live.tick().size() == 3 || live.result().error().kind == Error::Kind::permission));
}
