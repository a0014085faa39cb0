// What the disk did not give at the start, and gives later.
#include <doctest/doctest.h>

#include <array>

#include "core/spool/cursor.hpp"
#include "publisher_rig.hpp"
#include "spool_box.hpp"

using namespace sysmon;
using namespace sysmon::test;

namespace {

// Batches 1-9 of kStream in at least three segments.
struct BoxOfNine : SpoolBox {
  explicit BoxOfNine(SpoolOptions given = {.max_bytes = 8U << 10U}) : SpoolBox(std::move(given)) {
    add(1, 9);
    REQUIRE(files.segments().size() >= 3);
  }
};

// Of what is read at a start, from the `first` to the `last` read fail; the cursor is the first.
void start_without(SpoolBox& box, int first, int last) {
  int reads = 0;
  box.files.fault = [&](std::string_view call) {
    if (call != "read") return 0;
    ++reads;
    return reads >= first && reads <= last ? EIO : 0;
  };
  box.start();
  box.files.fault = nullptr;
}

void start_without_folder(SpoolBox& box) {
  box.files.fault = [](std::string_view call) { return call == "list" ? EIO : 0; };
  box.start();
  box.files.fault = nullptr;
}

// Time, in which the spool is called whenever it wants to be.
void pass(SpoolBox& box, std::int64_t duration) {
  const std::int64_t end = box.clock.now + duration;
  while (box.clock.now < end)
    box.clock.now = std::min(std::max(box.spool->maintain(box.clock.now), box.clock.now + kMs), end);
  box.spool->maintain(box.clock.now);
}

}  // namespace

TEST_CASE("what the disk did not give at the start is sent once it does, without another start") {
  BoxOfNine box;
  SUBCASE("a segment, the first") { start_without(box, 2, 4); }
  SUBCASE("a segment, another one") { start_without(box, 3, 5); }
  SUBCASE("all of them") { start_without(box, 2, 100); }
  SUBCASE("the folder") { start_without_folder(box); }
  SUBCASE("neither the cursor nor the folder") {
    box.files.fault = [](std::string_view call) { return call == "list" || call == "read" ? EIO : 0; };
    box.start();
    box.files.fault = nullptr;
  }
  CHECK(!box.spool->is_whole());
  CHECK(box.spool->size() < 9);
  CHECK(box.spool->drops() == 0);  // nothing is lost yet
  box.add(1, kOther);
  pass(box, kSecond);
  CHECK(box.spool->is_whole());
  CHECK(box.said("the disk has given all of the spool's files"));
  CHECK(box.spool->counters().recovered_batches == 9);
  CHECK(box.spool->newest().stream == kOther);
  std::vector<std::uint64_t> all = range(1, 9);
  all.push_back(1);
  CHECK(box.drain() == all);
  CHECK(box.spool->drops() == 0);
  box.start();
  CHECK(box.spool->empty());
  CHECK(box.files.segments().size() <= 1);
}

TEST_CASE("a batch whose new number is read late does not wait under the old one, too") {
  BoxOfNine box;
  REQUIRE(box.spool->reseal(box.spool->oldest().id + 2, kOther, 1));
  const int segments = static_cast<int>(box.files.segments().size());
  start_without(box, 1 + segments, 3 + segments);
  CHECK(!box.spool->is_whole());
  pass(box, 2 * kSecond);
  CHECK(box.spool->is_whole());
  CHECK(box.spool->drops() == 0);
  std::vector<std::uint64_t> seqs;
  while (!box.spool->empty()) {
    seqs.push_back(box.spool->oldest().seq);
    box.spool->acknowledge(std::array{box.spool->oldest()});
  }
  CHECK(seqs == std::vector<std::uint64_t>{1, 2, 4, 5, 6, 7, 8, 9, 1});
}

TEST_CASE("what was acknowledged before the rest was read is not sent again") {
  BoxOfNine box;
  start_without(box, 3, 5);
  const std::size_t known = box.spool->size();
  REQUIRE(known > 0);
  CHECK(box.drain().size() == known);
  pass(box, kSecond);
  CHECK(box.spool->size() == 9 - known);
  CHECK(box.drain().size() == 9 - known);
}

TEST_CASE("killed before the rest was read, the next start misses nothing and sends nothing new as old") {
  for (const bool is_folder : {false, true}) {
    CAPTURE(is_folder);
    BoxOfNine box;
    is_folder ? start_without_folder(box) : start_without(box, 3, 5);
    box.add(1, kOther);
    (void)box.drain();
    box.start();
    CHECK(box.spool->is_whole());
    std::set<std::uint64_t> seqs;
    for (const std::uint64_t seq : box.drain()) seqs.insert(seq);
    const auto nine = range(1, 9);
    CHECK(seqs == std::set<std::uint64_t>(nine.begin(), nine.end()));
    CHECK(box.spool->drops() == 0);
  }
}

TEST_CASE("a number that is really missing is declared once all is read, whatever happens before") {
  for (const bool is_killed : {false, true}) {
    CAPTURE(is_killed);
    BoxOfNine box;
    box.files.content(box.files.segments().at(1))[100] ^= 1;  // the first batch of the second segment
    start_without(box, 2, 4);
    CHECK(box.spool->drops() == 0);
    (void)box.drain();
    is_killed ? box.start() : pass(box, kSecond);
    CHECK(box.spool->is_whole());
    CHECK(box.dropped(LossReason::corrupt).size() == 1);
  }
}

TEST_CASE("a full spool declares what is missing before the records go that would show it") {
  BoxOfNine box;
  start_without(box, 3, 5);
  const auto declared = [&] {
    std::uint64_t batches = 0;
    for (std::size_t i = 0; i < box.spool->drops(); ++i) {
      const DeclaredDrop drop = box.spool->drop(i);
      if (drop.reason == LossReason::corrupt) batches += drop.range.last - drop.range.first + 1;
    }
    return batches;
  };
  for (std::uint64_t seq = 1; seq <= 60; ++seq) box.add(seq, kOther);
  CHECK(declared() == 3);  // the second segment's
  box.start();
  CHECK(declared() == 3);
}

TEST_CASE("a disk that never gives it is asked ever more seldom, and given up after the bound of age") {
  BoxOfNine box({.max_bytes = 8U << 10U, .max_age = std::chrono::hours{2}});
  const std::string bad = box.files.segments().at(1);
  start_without(box, 3, 5);
  int attempts = 0;
  box.files.fault = [&](std::string_view call) { return call == "read" ? (++attempts, EIO) : 0; };
  pass(box, kHour);
  const int of_an_hour = attempts;
  pass(box, kHour + kMinute);
  box.files.fault = nullptr;
  CHECK(of_an_hour >= 12);
  CHECK(of_an_hour <= 120);
  CHECK(box.spool->is_whole());
  CHECK(!box.dropped(LossReason::corrupt).empty());
  CHECK(!box.files.has(bad));
}

TEST_CASE(
    "a disk that fails for a while at the start: the publisher's ledger is balanced, and all arrives once") {
  for (const char* call : {"list", "read", "open"}) {
    CAPTURE(call);
    Rig rig;
    rig.server.answer = [](const Request&) { return ModelServer::error(0); };
    rig.run(10 * kMinute);
    rig.publisher.reset();
    const std::int64_t good_at = rig.clock.now + 20 * kSecond;
    rig.files.fault = [&](std::string_view asked) {
      return asked == call && rig.clock.now < good_at ? EIO : 0;
    };
    rig.publisher =
        std::make_unique<NetworkPublisher>(rig.settings, rig.ring, rig.clock, rig.server, rig.files);
    rig.server.answer = nullptr;
    rig.run(10 * kMinute);
    CHECK(rig.publisher->spool().is_whole());
    CHECK(rig.publisher->ledger().recovered == 60);
    CHECK(rig.publisher->ledger().spooled == 0);
    CHECK(rig.server.committed.size() == rig.ticks);
    CHECK(rig.server.declared.empty());
  }
}
