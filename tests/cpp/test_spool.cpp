#include <doctest/doctest.h>

#include "spool_box.hpp"

using namespace sysmon;
using namespace sysmon::test;

TEST_CASE("what is not acknowledged is there after a restart, under the same numbers") {
  SpoolBox box;
  box.add(1, 100);
  box.start();
  CHECK(box.spool->size() == 100);
  CHECK(box.spool->oldest().stream == kStream);
  CHECK(box.spool->oldest().samples == 3);
  CHECK(box.drain() == range(1, 100));
  box.start();
  CHECK(box.spool->empty());
  CHECK(box.spool->drops() == 0);
}

TEST_CASE("the cursor remembers what was acknowledged") {
  SpoolBox box;
  box.add(1, 10);
  box.spool->acknowledge(box.bundle(4));
  box.start();
  CHECK(box.drain() == range(5, 10));
}

TEST_CASE("a healthy host never syncs; what waits longer than a second is synced once") {
  SpoolBox box;
  for (std::uint64_t seq = 1; seq <= 100; ++seq) {
    box.add(seq);
    CHECK(box.spool->maintain(box.clock.now) > box.clock.now);
    box.spool->acknowledge(box.bundle());
    box.clock.now += 10 * kSecond;
    box.spool->maintain(box.clock.now);
  }
  CHECK(box.files.syncs == 0);
  box.add(101);
  CHECK(box.spool->maintain(box.clock.now) == box.clock.now + kSecond);
  box.clock.now += kSecond;
  CHECK(box.spool->maintain(box.clock.now) > box.clock.now + kSecond);
  CHECK(box.files.syncs == 1);
  box.files.lose_power();
  box.start();
  CHECK(box.drain() == range(101, 101));
}

TEST_CASE("sync: always has every batch on the disk before it is sent") {
  SpoolBox box({.sync = SpoolSync::always});
  box.files.random = [] { return std::uint64_t{1}; };  // nothing unsynced survives
  for (std::uint64_t seq = 1; seq <= 20; ++seq) {
    box.add(seq);
    box.files.lose_power();
    box.start();
    CHECK(box.spool->size() == seq);
  }
}

TEST_CASE("segments are deleted once they are done with") {
  SpoolBox box;
  for (std::uint64_t seq = 1; seq <= 10'000; ++seq) {
    box.add(seq);
    box.spool->acknowledge(box.bundle());
  }
  CHECK(box.files.segments().size() <= 2);
}

TEST_CASE("the bound of bytes: the oldest go, declared, an eighth at a time") {
  SpoolBox box({.max_bytes = 64U << 10U});
  box.add(1, 1000);
  CHECK(box.files.used() <= (64U << 10U) + 16384);
  const auto lost = box.dropped(LossReason::spool_full);
  CHECK(box.spool->drops() == 1);
  REQUIRE(!lost.empty());
  CHECK(lost.size() > 800);
  CHECK(box.spool->size() + lost.size() == 1000);
  box.start();  // also what was declared outlives the process
  CHECK(box.dropped(LossReason::spool_full) == lost);
  CHECK(box.drain() == range(lost.size() + 1, 1000));
  box.spool->forget_drops(kStream, 1);
  box.start();
  CHECK(box.spool->drops() == 0);
  CHECK(box.spool->empty());
}

TEST_CASE("a bound smaller than a batch keeps the newest") {
  SpoolBox box({.max_bytes = 100});
  box.add(1, 50);
  CHECK(box.spool->size() >= 1);
  CHECK(box.spool->newest().seq == 50);
  CHECK(box.spool->size() + box.dropped(LossReason::spool_full).size() == 50);
}

TEST_CASE("the bound of age counts through restarts and whatever the wall clock does") {
  SpoolBox box({.max_age = std::chrono::hours{1}});
  box.add(1, 5);
  box.clock.now += 30 * kMinute;
  box.clock.wall_offset_ms = 86'400'000LL * 365 * 50;
  box.add(6, 10);
  box.start();
  box.spool->maintain(box.clock.now);
  CHECK(box.spool->size() == 10);
  CHECK(box.spool->oldest_age_ms() == 30 * 60'000);
  box.clock.now += 31 * kMinute;
  box.spool->maintain(box.clock.now);
  CHECK(box.dropped(LossReason::too_old) == std::set<std::uint64_t>{1, 2, 3, 4, 5});
  CHECK(box.drain() == range(6, 10));
}

TEST_CASE("a full disk: the newest stay in memory, the rest is declared, and it heals") {
  SpoolBox box;
  box.files.capacity = 40'000;
  for (std::uint64_t seq = 1; seq <= 4000; ++seq) {
    box.add(seq);
    box.clock.now += 100 * kMs;
    box.spool->maintain(box.clock.now);
  }
  CHECK(box.said("kept in memory"));
  CHECK(box.lines.size() == 1);
  const auto lost = box.dropped(LossReason::spool_full);
  CHECK(!lost.empty());
  CHECK(box.spool->size() + lost.size() == 4000);
  CHECK(box.spool->newest().seq == 4000);
  CHECK(box.spool->payload_bytes() < (1U << 20U) + 40'000);
  std::string bytes;
  CHECK(box.spool->read(box.spool->newest().id, bytes));
  CHECK(bytes == SpoolBox::payload(4000));

  box.files.capacity = UINT64_MAX;
  box.clock.now += kSecond;
  box.spool->maintain(box.clock.now);
  CHECK(box.said("takes batches again"));
  box.start();
  CHECK(box.dropped(LossReason::spool_full) == lost);
  CHECK(box.drain().size() + lost.size() == 4000);
}

TEST_CASE(
    "after a sync that failed everything is written anew elsewhere, and that file is never synced again") {
  SpoolBox box;
  box.add(1, 5);
  bool is_bad = true;
  box.files.fault = [&](std::string_view call) { return call == "sync" && is_bad ? EIO : 0; };
  box.clock.now += kSecond;
  for (int i = 0; i < 20; ++i) {
    const std::int64_t next = box.spool->maintain(box.clock.now);
    CHECK(next > box.clock.now);
    box.clock.now = next;
  }
  CHECK(box.files.syncs <= 21);
  CHECK(box.files.segments().size() <= 2);
  CHECK(box.said("cannot be written"));
  is_bad = false;
  for (int i = 0; i < 3; ++i)
    box.clock.now = std::min(box.spool->maintain(box.clock.now), box.clock.now + kMinute);
  box.files.random = [] { return std::uint64_t{1}; };
  box.files.lose_power();
  box.start();
  CHECK(box.drain() == range(1, 5));
}

TEST_CASE("any call may fail, once or for ever: nothing is lost undeclared, nothing throws") {
  for (const char* call : {"open", "read", "write", "truncate", "sync", "list", "remove", "sync names"}) {
    for (int which = 0; which < 40; ++which) {
      for (const bool is_for_ever : {false, true}) {
        CAPTURE(call);
        CAPTURE(which);
        SpoolBox box(
            {.max_bytes = 16U << 10U, .sync = which % 2 == 0 ? SpoolSync::always : SpoolSync::deferred});
        int calls = 0;
        box.files.fault = [&](std::string_view name) {
          if (name != call) return 0;
          const int number = calls++;
          return number == which || (is_for_ever && number > which) ? EIO : 0;
        };
        for (std::uint64_t seq = 1; seq <= 60; ++seq) {
          box.add(seq);
          box.clock.now += kSecond;
          box.spool->maintain(box.clock.now);
        }
        CHECK(box.spool->size() + box.dropped(LossReason::spool_full).size() == 60);
        box.files.fault = nullptr;
        box.clock.now += 2 * kSecond;
        box.spool->maintain(box.clock.now);
        box.spool->maintain(box.clock.now);
        box.start();
        std::set<std::uint64_t> all = box.dropped(LossReason::spool_full);
        all.merge(box.dropped(LossReason::corrupt));
        for (const std::uint64_t seq : box.drain()) all.insert(seq);
        CHECK(all.size() == 60);
      }
    }
  }
}

TEST_CASE("the quarantine keeps the bytes, at most 1 MiB of them, and declares the number") {
  SpoolBox box;
  box.add(1, 4000);
  for (int i = 0; i < 3000; ++i) REQUIRE(box.spool->quarantine(box.spool->oldest().id));
  CHECK(box.dropped(LossReason::quarantined).size() == 3000);
  CHECK(box.spool->drops() == 1);
  CHECK(box.files.content("quarantine").size() <= 1U << 20U);
  CHECK(box.files.content("quarantine").find("payload 3000") != std::string::npos);
  box.start();
  CHECK(box.dropped(LossReason::quarantined).size() == 3000);
  CHECK(box.drain() == range(3001, 4000));
}

TEST_CASE("bundles are contiguous, of one stream, packed, and within the limits") {
  SpoolBox box;
  box.add(1, 3);
  box.spool->append(kStream, 4, 3, "plain", false);
  box.add(5);
  box.add(1, kOther);
  CHECK(box.bundle().size() == 3);
  BundleLimits limits;
  std::vector<SpooledBatch> found;
  limits.samples = 7;
  box.spool->bundle(UINT64_MAX, limits, found);
  CHECK(found.size() == 2);
  limits = {};
  limits.bytes = 900;
  box.spool->bundle(UINT64_MAX, limits, found);
  CHECK(found.size() == 2);
  limits.bytes = 1;
  box.spool->bundle(UINT64_MAX, limits, found);
  CHECK(found.size() == 1);  // one always goes
  box.spool->bundle(0, {}, found);
  CHECK(found.empty());
  for (const std::size_t expected : {3U, 1U, 1U, 1U}) {
    CHECK(box.bundle().size() == expected);
    box.spool->acknowledge(box.bundle());
  }
  CHECK(box.spool->empty());
}

TEST_CASE("bytes that changed on the disk are found before they are sent") {
  SpoolBox box;
  box.add(1, 3);
  box.clock.now += kSecond;
  box.spool->maintain(box.clock.now);  // synced: from here on it is read from the disk
  box.files.content(box.files.segments().at(0))[200] ^= 1;
  std::string bytes;
  CHECK(!box.spool->read(box.spool->oldest().id, bytes));
  CHECK(bytes.empty());
  CHECK(box.dropped(LossReason::corrupt) == std::set<std::uint64_t>{1});
  CHECK(box.drain() == range(2, 3));
}

TEST_CASE("a batch larger than the aggregator takes is declared at once") {
  SpoolBox box;
  box.spool->append(kStream, 1, 3, std::string((1U << 20U) + 1, 'x'), true);
  CHECK(box.spool->empty());
  CHECK(box.dropped(LossReason::quarantined) == std::set<std::uint64_t>{1});
}
