#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "collected.hpp"
#include "core/collectors/all.hpp"
#include "sysmon/parse/nf_conntrack.hpp"
#include "temp_tree.hpp"

using namespace sysmon;

namespace {

constexpr std::string_view kStat =
    "entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop "
    "icmp_error\n"
    "0000005e  00000000 00000000 00000000 00000003 00000054 00000000 00000000 00000000 00000000 0000000a "
    "00000000 0\n"
    "0000005e  00000000 00000000 00000000 00000001 00000030 00000000 00000000 00000000 00000000 ffffffff "
    "00000000 0\n";

}  // namespace

TEST_CASE("nf_conntrack: drops of all CPUs, in hexadecimal, wherever the column is") {
  CHECK(*parse_nf_conntrack_drops(kStat) == 4294967305U);
  CHECK(*parse_nf_conntrack_drops("drop\n1f\n") == 31);
  CHECK(*parse_nf_conntrack_drops("entries drop\n") == 0);  // no CPU online: nothing dropped
}

TEST_CASE("nf_conntrack: bad texts are errors") {
  for (const std::string_view text :
       {"", "\n", "entries early_drop\n1 2\n", "entries drop\n1\n", "drop\nxyz\n", "drop\n100000000\n",
        "drop\n\n", "\xff\xfe drop\n\x01"}) {
    CAPTURE(text);
    CHECK(parse_nf_conntrack_drops(text).error().kind == Error::Kind::malformed);
  }
}

TEST_CASE("conntrack: entries, limit, how full, and drops") {
  const TempTree tree;
  tree.write("/proc/sys/net/netfilter/nf_conntrack_count", "94\n");
  tree.write("/proc/sys/net/netfilter/nf_conntrack_max", "262144\n");
  tree.write("/proc/net/stat/nf_conntrack", kStat);
  Collected conntrack(kConntrackCollector, tree.root());
  CHECK(conntrack.tick() == std::vector<std::string>{"conntrack.entries 94", "conntrack.limit 262144",
                                                     "conntrack.usage_percent 0.040000000000000001",
                                                     "conntrack.drops 4294967305"});
  CHECK(conntrack.result().ok());
}

TEST_CASE("conntrack: a host without it, without its counters, with nonsense") {
  const TempTree tree;
  Collected conntrack(kConntrackCollector, tree.root());
  CHECK(conntrack.tick().empty());
  CHECK(conntrack.result().error().kind == Error::Kind::not_found);

  tree.write("/proc/sys/net/netfilter/nf_conntrack_count", "5\n");
  tree.write("/proc/sys/net/netfilter/nf_conntrack_max", "0\n");
  CHECK(conntrack.tick() == std::vector<std::string>{"conntrack.entries 5", "conntrack.limit 0"});
  CHECK(conntrack.result().ok());

  tree.write("/proc/sys/net/netfilter/nf_conntrack_count", "many\n");
  CHECK(conntrack.tick().empty());
  CHECK(conntrack.result().error().kind == Error::Kind::malformed);
}
