#include <doctest/doctest.h>

#include <algorithm>

#include "core/spool/cursor.hpp"
#include "core/spool/record.hpp"
#include "spool_box.hpp"

using namespace sysmon;
using namespace sysmon::test;

TEST_CASE("a torn tail is cut off, wherever it is torn") {
  SpoolBox whole;
  whole.add(1, 3);
  const std::string segment = whole.files.segments().at(0);
  const std::string bytes = whole.files.content(segment);
  SpoolBox two;
  two.add(1, 2);
  const std::size_t third = two.files.content(segment).size();
  for (std::size_t size = third; size < bytes.size(); ++size) {
    SpoolBox box;
    box.files.put(segment, bytes.substr(0, size));
    box.start();
    CHECK(box.spool->size() == 2);
    CHECK(box.spool->counters().corrupt_records == 0);
    box.add(4);
    box.start();
    const auto seqs = box.drain();
    CHECK(seqs == std::vector<std::uint64_t>{1, 2, 4});
    // Where the head of the cut record is there, its number is declared; else the next one shows the gap.
    CHECK(box.dropped(LossReason::corrupt) == std::set<std::uint64_t>{3});
  }
}

TEST_CASE("damage costs the records it touched, and these are declared") {
  SpoolBox whole({.max_bytes = 1U << 20U});
  whole.add(1, 600);
  const auto names = whole.files.segments();
  REQUIRE(names.size() > 1);
  std::map<std::string, std::string> contents;
  for (const std::string& name : names) contents[name] = whole.files.content(name);
  const std::string cursor = whole.files.content(kCursorFile);
  std::uint64_t state = 7;
  const auto random = [&] {
    return state = state * 6364136223846793005U + 1442695040888963407U, state >> 33U;
  };
  for (int trial = 0; trial < 300; ++trial) {
    CAPTURE(trial);
    SpoolBox box({.max_bytes = 1U << 20U});
    box.files.clear();
    for (const auto& [name, bytes] : contents) box.files.put(name, bytes);
    box.files.put(kCursorFile, cursor);
    // Not in the last segment's tail: nobody can know of what was the newest.
    std::string& bytes = box.files.content(names[static_cast<std::size_t>(random() % (names.size() - 1))]);
    const std::size_t at = static_cast<std::size_t>(random() % bytes.size());
    const std::size_t length = 1 + static_cast<std::size_t>(random() % 64);
    if (trial % 3 == 0) {
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
    } else if (trial % 3 == 1) {
      for (std::size_t i = at; i < std::min(at + length, bytes.size()); ++i) bytes[i] = '\0';
    } else {
      bytes.erase(at, length);
    }
    box.start();
    CHECK(box.spool->counters().corrupt_records >= 1);
    const auto lost = box.dropped(LossReason::corrupt);
    CHECK(lost.size() <= 3);
    CHECK(box.drain().size() + lost.size() == 600);
    CHECK(box.said("the spool was damaged"));
  }
}

TEST_CASE(
    "what cannot be read for want of descriptors is not called damaged, and is there at the next start") {
  SpoolBox box;
  box.add(1, 10);
  box.files.fault = [](std::string_view call) { return call == "read" ? EMFILE : 0; };
  box.start();
  CHECK(box.said("files of the spool that the disk does not give: 1"));
  CHECK(!box.said("damaged"));
  box.files.fault = nullptr;
  box.start();
  CHECK(box.drain() == range(1, 10));
}

TEST_CASE(
    "a cursor that cannot be read at one start and can at the next: what was written between is there") {
  SpoolBox box({.max_bytes = 8U << 10U});
  box.add(1, 9);
  const std::string first = box.files.segments().front();
  const std::string content = box.files.content(first);
  box.spool->acknowledge(box.bundle());
  const std::string cursor = box.files.content("cursor");
  // A power loss: the first segment is not deleted, and those that the cursor points to were never made.
  for (const std::string& name : box.files.segments()) REQUIRE(box.files.remove(name));
  box.files.put(first, content);
  int reads = 0;
  box.files.fault = [&](std::string_view call) { return call == "read" && ++reads <= 3 ? EIO : 0; };
  box.start();
  box.files.fault = nullptr;
  CHECK(box.spool->oldest().seq == 1);  // sent again, for nobody knows that it was acknowledged
  box.add(1, kOther);
  box.spool->sync_now(box.clock.now);
  box.files.put("cursor", cursor);  // its new content was not synced
  box.start();
  REQUIRE(!box.spool->empty());
  CHECK(box.spool->newest().stream == kOther);
}

TEST_CASE("what could not be read at the start is not given up for room") {
  SpoolBox box({.max_bytes = 8U << 10U});
  box.add(1, 3);
  int reads = 0;
  // The cursor is read, the first segment is not.
  box.files.fault = [&](std::string_view call) {
    return call == "read" && ++reads > 1 && reads <= 4 ? EIO : 0;
  };
  box.start();
  box.files.fault = nullptr;
  CHECK(box.said("files of the spool that the disk does not give: 1"));
  for (std::uint64_t seq = 1; seq <= 60; ++seq) box.add(seq, kOther);
  CHECK(!box.dropped(LossReason::spool_full).empty());
  box.start();
  CHECK(box.spool->oldest().stream == kStream);
  CHECK(box.spool->oldest().seq == 1);
}

TEST_CASE("a segment that is gone, twice there, or none of ours is no obstacle") {
  SpoolBox box({.max_bytes = 1U << 20U});
  box.add(1, 900);
  const auto names = box.files.segments();
  REQUIRE(names.size() > 3);
  CHECK(box.files.remove(names[1]));
  box.files.put("segment-000000000900", box.files.content(names[0]));
  box.files.put("segment-000000000901", "not a segment at all");
  box.files.put("segment-12", "nor a name of one");
  box.start();
  const auto lost = box.dropped(LossReason::corrupt);
  CHECK(!lost.empty());
  CHECK(box.drain().size() + lost.size() == 900);
}

TEST_CASE("of a drop that is there twice the first record counts, and a copy adds nothing") {
  for (const bool has_grown : {false, true}) {
    CAPTURE(has_grown);
    SpoolBox box;
    box.add(1, 6);
    REQUIRE(box.spool->quarantine(box.spool->oldest().id));
    const std::string copy = box.files.content(box.files.segments().front());
    if (has_grown) REQUIRE(box.spool->quarantine(box.spool->oldest().id));  // and was written again
    const auto lost = box.dropped(LossReason::quarantined);
    box.files.put("segment-000000000007", copy);
    box.start();
    CHECK(box.spool->drops() == 1);
    CHECK(box.dropped(LossReason::quarantined) == lost);
    (void)box.drain();
    box.files.put("segment-000000000007", "damaged");
    box.start();
    CHECK(box.dropped(LossReason::quarantined) == lost);
  }
}

TEST_CASE("a cursor that is garbage costs duplicates, never a batch") {
  for (const std::string& garbage : {std::string(), std::string(5000, 'x'), std::string(8192, '\0')}) {
    SpoolBox box;
    box.add(1, 10);
    box.spool->acknowledge(box.bundle(5));
    box.files.put(kCursorFile, garbage);
    box.start();
    CHECK(box.drain() == range(1, 10));
  }
}

TEST_CASE("numbers that no agent counts up to are none of ours") {
  for (const std::string name : {"segment-18446744073709551615", "segment-18446744073709551614"}) {
    SpoolBox box;
    box.files.put(name, "whatever");
    box.start();
    box.add(1, 3);
    box.start();
    CHECK(box.drain() == range(1, 3));
    CHECK(box.files.has(name));
  }
}

TEST_CASE("a slot torn within a write leaves the other one") {
  SpoolBox box;
  box.add(1, 10);
  box.spool->acknowledge(box.bundle(3));
  box.spool->acknowledge(box.bundle(3));
  const std::string good = box.files.content(kCursorFile);
  for (const std::size_t slot : {std::size_t{0}, std::size_t{4096}}) {
    box.files.put(kCursorFile, good);
    box.files.content(kCursorFile).replace(slot, 20, std::string(20, 'x'));
    SpoolBox again;
    for (const std::string& name : box.files.segments()) again.files.put(name, box.files.content(name));
    again.files.put(kCursorFile, box.files.content(kCursorFile));
    again.start();
    const std::size_t left = again.spool->size();
    CHECK((left == 4 || left == 7));
  }
}

TEST_CASE("nothing is appended behind a cursor that saw more than there is now") {
  SpoolBox box;
  box.add(1, 10);
  const std::string short_one = box.files.content(box.files.segments().at(0)).substr(0, 300);
  box.spool->acknowledge(box.bundle());
  box.files.put(box.files.segments().at(0), short_one);
  box.start();
  box.add(1, kOther);
  box.start();
  CHECK(box.spool->size() == 1);
  CHECK(box.spool->oldest().stream == kOther);
}

TEST_CASE("no start writes over what one before it wrote far ahead") {
  SpoolBox box;
  box.add(1, 3);
  for (std::uint64_t start = 0; start < 3; ++start) {
    box.files.fault = [](std::string_view call) { return call == "list" ? EIO : 0; };
    box.start();
    box.files.fault = nullptr;
    box.add(10 + start, kOther);
  }
  box.start();
  CHECK(box.spool->size() + box.spool->drops() >= 6);
  std::set<std::uint64_t> seqs;
  for (const std::uint64_t seq : box.drain()) seqs.insert(seq);
  CHECK(seqs == std::set<std::uint64_t>{1, 2, 3, 10, 11, 12});
}

TEST_CASE("what a found record settles is kept until that record is safe") {
  SpoolBox box({.max_bytes = 64U << 10U});
  box.add(1, 30);
  box.clock.now += kSecond;
  box.spool->maintain(box.clock.now);  // the batches are safe
  // The drop of the first is not: its process is killed before any sync of a new segment.
  const std::string segment = box.files.segments().back();
  REQUIRE(box.spool->quarantine(box.spool->oldest().id));
  const std::string whole = box.files.content(segment);
  const std::size_t at = whole.rfind("\xF5SP\xFA");
  box.files.content(segment).resize(at);
  box.files.put("segment-000000000099", "");
  auto file = box.files.open("segment-000000000099", OpenMode::write);
  REQUIRE(file);
  REQUIRE((*file)->write_at(0, std::string_view(whole).substr(at)));
  // The next one finds it, and the disk does not sync it.
  box.files.fault = [](std::string_view call) { return call == "sync" ? EIO : 0; };
  box.start();
  box.files.fault = nullptr;
  CHECK(box.dropped(LossReason::quarantined) == std::set<std::uint64_t>{1});
  for (int i = 0; i < 3; ++i)
    box.clock.now = std::min(box.spool->maintain(box.clock.now), box.clock.now + kMinute);
  (void)box.drain();
  box.files.random = [] { return std::uint64_t{1}; };  // nothing that was not synced survives
  box.files.lose_power();
  box.start();
  const auto seqs = box.drain();
  const auto lost = box.dropped(LossReason::quarantined);
  CHECK((lost.contains(1) || std::ranges::count(seqs, 1U) > 0));
}

TEST_CASE("a segment that lost a record's length and now ends at the cursor is looked at all the same") {
  SpoolBox box;
  box.add(11, 20);
  const std::string segment = box.files.segments().front();
  const std::size_t end = box.files.content(segment).size();
  box.spool->acknowledge(box.bundle());
  box.add(21);
  const std::size_t record = box.files.content(segment).size() - end;
  box.files.content(segment).erase(600, record);
  box.start();
  REQUIRE(!box.spool->empty());
  CHECK(box.spool->newest().seq == 21);
}
