#include "sysmon/key_sets.hpp"

#include <doctest/doctest.h>

#include <array>
#include <thread>

namespace sysmon {

namespace {

Key disk(std::string_view device) { return {"disk.read_bytes", {{"device", device}, {"host", "a"}}}; }

}  // namespace

TEST_CASE("a key gives its type and tags back") {
  const Key key("disk.usage_percent", {{"device", "sda1"}, {"mountpoint", "/"}});
  CHECK(key.type() == "disk.usage_percent");
  CHECK(key.tags() == TagViews{{"device", "sda1"}, {"mountpoint", "/"}});
  CHECK(key.tag("mountpoint") == "/");
  CHECK(key.tag("mount").data() == nullptr);
  CHECK(Key("load.avg1", {}).type() == "load.avg1");
  CHECK(Key("load.avg1", {}).tags().empty());
}

TEST_CASE("an empty tag value is a value") {
  const Key key("disk.usage_percent", {{"device", ""}, {"mountpoint", ""}});
  CHECK(key.tags() == TagViews{{"device", ""}, {"mountpoint", ""}});
  CHECK(key.tag("device").data() != nullptr);
  CHECK(key.text() != Key("disk.usage_percent", {{"device", ""}}).text());
}

TEST_CASE("equal keys are one key, equal sets one set") {
  KeySets sets;
  const Key* sda = sets.key(disk("sda").text());
  const Key* sdb = sets.key(disk("sdb").text());
  CHECK(sets.key(disk("sda").text()) == sda);
  const KeySetPtr first = sets.intern(std::array{sda, sdb});
  CHECK(first->id == 1);
  CHECK(sets.intern(std::array{sda, sdb}) == first);
  CHECK(sets.intern(std::array{sdb, sda})->id == 2);  // another order is another set
  CHECK(sets.find(1) == first);
  CHECK(sets.find(3) == nullptr);
  CHECK(sets.size() == 2);
}

TEST_CASE("a stored set comes back under its id") {
  KeySets sets;
  const std::array keys{sets.key(disk("sda").text()), sets.key(disk("sdb").text()), sets.key("load.avg1")};
  const std::string blob = KeySets::blob(*sets.intern(keys));
  CHECK(blob.size() < 64);  // the second disk costs its one letter and two lengths, not its forty bytes

  KeySets again;
  REQUIRE(again.load(7, blob).ok());
  const KeySetPtr set = again.find(7);
  REQUIRE(set != nullptr);
  REQUIRE(set->keys.size() == 3);
  CHECK(set->keys[1]->text() == disk("sdb").text());
  CHECK(again.max_id() == 7);
  CHECK(again.load(7, blob).ok());  // the same set once more
  CHECK(again.intern(set->keys) == set);
  const std::array other{again.key("load.avg5")};
  CHECK(again.intern(other)->id == 8);  // ids go on where the stored ones end
  CHECK(again.load(8, blob).error().kind == Error::Kind::invalid);
  CHECK(again.load(0, blob).error().kind == Error::Kind::invalid);
}

TEST_CASE("a damaged blob is refused") {
  KeySets sets;
  const std::array keys{sets.key(disk("sda").text()), sets.key("load.avg1")};
  const std::string blob = KeySets::blob(*sets.intern(keys));
  for (std::size_t size = 0; size < blob.size(); ++size) CHECK_FALSE(sets.load(9, blob.substr(0, size)).ok());
  for (std::size_t at = 0; at < blob.size(); ++at) {
    std::string flipped = blob;
    flipped[at] = static_cast<char>(static_cast<unsigned char>(flipped[at]) ^ 0x10U);
    CHECK_FALSE(sets.load(9, flipped).ok());
  }
  CHECK(sets.find(9) == nullptr);
}

TEST_CASE("threads that meet the same keys get the same set") {
  KeySets sets;
  std::array<KeySetPtr, 4> found;
  {
    std::vector<std::jthread> threads;
    threads.reserve(found.size());
    for (KeySetPtr& mine : found) {
      threads.emplace_back([&sets, &mine] {
        std::vector<const Key*> keys;
        keys.reserve(500);
        for (int i = 0; i < 500; ++i) keys.push_back(sets.key("a.metric_" + std::to_string(i)));
        mine = sets.intern(keys);
      });
    }
  }
  for (const KeySetPtr& set : found) CHECK(set == found.front());
  CHECK(sets.size() == 1);
}

}  // namespace sysmon
