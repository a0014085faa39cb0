#include "sysmon/last_values.hpp"

#include <doctest/doctest.h>

#include <array>
#include <numeric>
#include <string>

namespace sysmon {

namespace {

// One host with a counter `a` and a gauge `b`, and a second set that has `c` before them.
struct Host {
  std::shared_ptr<KeySets> sets = std::make_shared<KeySets>();
  const Key* a = sets->key("a");
  const Key* b = sets->key("b");
  const Key* c = sets->key("c");
  KeySetPtr ab = sets->intern(std::array{a, b});
  KeySetPtr abc = sets->intern(std::array{a, b, c});
  KeySetPtr ca = sets->intern(std::array{c, a});
  LastValues last{sets};

  void put(const KeySetPtr& set, std::int64_t time_ms, const std::vector<double>& values,
           std::string_view boot = "x") {
    std::vector<std::uint32_t> positions(values.size());
    std::iota(positions.begin(), positions.end(), 0U);
    const RowHead head{set->id, hash_of_boot(boot), static_cast<std::uint32_t>(set->keys.size())};
    REQUIRE(last.update(time_ms, pack_row(head, positions, values)).ok());
  }
};

}  // namespace

TEST_CASE("the newest value of each series, with its rate") {
  Host host;
  CHECK(host.last.time_ms() == 0);
  host.put(host.ab, 1000, {100, 5});
  CHECK(host.last.get("a")->value == 100);
  CHECK_FALSE(host.last.get("a")->rate.has_value());
  host.put(host.ab, 3000, {150, 4});
  CHECK(host.last.get("a")->rate == 25.0);
  CHECK_FALSE(host.last.get("b")->rate.has_value());  // it fell
  CHECK(host.last.get("b")->time_ms == 3000);
  CHECK_FALSE(host.last.get("c").has_value());
  CHECK(host.last.time_ms() == 3000);
  CHECK(host.last.size() == 2);
}

TEST_CASE("time never moves backwards") {
  Host host;
  host.put(host.ab, 3000, {150, 4});
  host.put(host.ab, 2000, {100, 9});
  host.put(host.ab, 3000, {151, 9});
  CHECK(host.last.get("a")->value == 150);
  CHECK(host.last.time_ms() == 3000);
}

TEST_CASE("a series left out keeps its last value, and its next rate spans the gap") {
  Host host;
  host.put(host.ab, 1000, {100, 5});
  host.put(host.ab, 2000, {110});
  CHECK(host.last.get("b")->time_ms == 1000);
  host.put(host.ab, 3000, {120, 9});
  CHECK(host.last.get("b")->rate == 2.0);
}

TEST_CASE("no rate crosses a boot") {
  Host host;
  host.put(host.ab, 1000, {100, 5}, "x");
  host.put(host.ab, 2000, {900}, "y");
  CHECK_FALSE(host.last.get("a")->rate.has_value());
  host.put(host.ab, 3000, {901, 7}, "y");
  CHECK(host.last.get("a")->rate == 1.0);
  CHECK_FALSE(host.last.get("b")->rate.has_value());  // its last sample is of boot x
  host.put(host.ab, 2500, {0, 8}, "x");               // late, from before the boot: ignored
  CHECK(host.last.get("b")->value == 7);
}

TEST_CASE("a push without a boot_id makes rates as ever") {
  Host host;
  host.put(host.ab, 1000, {100, 5}, "");
  host.put(host.ab, 2000, {101, 6}, "");
  CHECK(host.last.get("a")->rate == 1.0);
}

TEST_CASE("values follow their keys from set to set") {
  Host host;
  host.put(host.ab, 1000, {100, 5});
  host.put(host.abc, 2000, {101, 6, 70});  // longer
  CHECK(host.last.get("a")->rate == 1.0);
  host.put(host.ca, 3000, {71, 103});  // another order
  CHECK(host.last.get("a")->rate == 2.0);
  CHECK(host.last.get("c")->value == 71);
  CHECK(host.last.get("b")->value == 6);
  host.put(host.ab, 4000, {104, 8});  // and back
  CHECK(host.last.get("b")->rate == 1.0);
  CHECK(host.last.size() == 3);
}

TEST_CASE("sets without a common front share what they have") {
  Host host;
  host.put(host.ca, 1000, {70, 100});
  host.put(host.ab, 2000, {101, 5});
  CHECK(host.last.get("a")->rate == 1.0);
  CHECK(host.last.get("c")->value == 70);
  CHECK(host.last.find({}).size() == 3);
  host.put(host.ca, 3000, {71, 102});
  CHECK(host.last.get("c")->rate == 0.5);
  CHECK(host.last.get("b")->value == 5);
}

TEST_CASE("a selector finds by type, prefix and tag") {
  Host host;
  const Key* sda = host.sets->key(Key("disk.read_bytes", {{"device", "sda"}}).text());
  const Key* sdb = host.sets->key(Key("disk.read_bytes", {{"device", "sdb"}}).text());
  host.put(host.sets->intern(std::array{host.a, sda, sdb}), 1000, {1, 2, 3});
  CHECK(host.last.find({{{"disk.*"}}, {}}).size() == 2);
  CHECK(host.last.find({{{"disk.read_bytes"}}, {{"device", "sdb"}}}).front().value == 3);
  CHECK(host.last.find({{{"disk"}}, {}}).empty());
  CHECK(host.last.find({{{"a", "disk.*"}}, {}}).size() == 3);
  CHECK(host.last.find({std::vector<std::string>{}, {}}).empty());
}

TEST_CASE("a damaged row, or one of an unknown set, changes nothing") {
  Host host;
  CHECK_FALSE(host.last.update(1000, "rubbish").ok());
  const std::string unknown = pack_row({99, 0, 1}, std::array{0U}, std::array{1.0});
  CHECK_FALSE(host.last.update(1000, unknown).ok());
  const std::string longer = pack_row({host.ab->id, 0, 3}, std::array{2U}, std::array{1.0});
  CHECK_FALSE(host.last.update(1000, longer).ok());
  CHECK(host.last.size() == 0);
}

}  // namespace sysmon
