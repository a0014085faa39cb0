#include <doctest/doctest.h>

#include <algorithm>

#include "core/spool/record.hpp"
#include "core/spool/scan.hpp"
#include "spool_box.hpp"

using namespace sysmon;
using namespace sysmon::test;

TEST_CASE("a batch under a new number: the old one is gone for good, and nobody is told of a loss") {
  SpoolBox box;
  box.add(1, 3);
  REQUIRE(box.spool->reseal(box.spool->oldest().id, kOther, 1));
  box.start();
  CHECK(box.spool->drops() == 0);
  CHECK(box.spool->size() == 3);
  CHECK(box.spool->oldest().seq == 2);
  CHECK(box.spool->newest().stream == kOther);
  CHECK(box.spool->newest().seq == 1);
}

TEST_CASE("killed at any call of it, a batch under a new number has one number") {
  bool is_done = false;
  for (int calls = 1; !is_done; ++calls) {
    SpoolBox box;
    box.add(1, 3);
    int left = calls;
    box.files.fault = [&](std::string_view) { return --left == 0 ? kKilled : 0; };
    try {
      (void)box.spool->reseal(box.spool->oldest().id, kOther, 1);
      is_done = true;
    } catch (const Killed&) {
    }
    box.files.fault = nullptr;
    box.start();
    CHECK(box.spool->drops() == 0);
    CHECK(box.spool->size() == 3);
    CHECK((box.spool->oldest().seq == 1) == (box.spool->newest().stream == kStream));
  }
}

TEST_CASE(
    "a batch whose new number cannot be synced is not lost, however often that fails before the power goes") {
  for (int failures = 1; failures <= 4; ++failures) {
    SpoolBox box;
    box.add(1, 3);
    box.clock.now += kSecond;
    box.spool->maintain(box.clock.now);  // the old records are safe
    int left = failures;
    box.files.fault = [&](std::string_view call) { return call == "sync" && left-- > 0 ? EIO : 0; };
    CHECK(!box.spool->reseal(box.spool->oldest().id, kOther, 1));
    CHECK(!box.spool->takes_batches());
    for (int i = 1; i < failures; ++i) box.clock.now = box.spool->maintain(box.clock.now);
    box.files.fault = nullptr;
    box.files.random = [] { return std::uint64_t{1}; };
    box.files.lose_power();
    box.start();
    std::vector<std::uint64_t> seqs = box.drain();
    std::ranges::sort(seqs);
    const auto twice = std::ranges::unique(seqs);
    seqs.erase(twice.begin(), twice.end());
    CHECK(seqs == range(1, 3));
  }
}

TEST_CASE("killed or without power within the write of it, a batch under a new number has one number") {
  for (std::size_t cut = 0;; ++cut) {
    SpoolBox box;
    box.add(1, 4);
    REQUIRE(box.spool->reseal(box.spool->oldest().id, kOther, 1));
    box.files.fault = [&](std::string_view call) { return call == "sync" ? kKilled : 0; };
    try {
      (void)box.spool->reseal(box.spool->oldest().id, kOther, 2);
    } catch (const Killed&) {
    }
    box.files.fault = nullptr;
    std::string& bytes = box.files.content(box.files.segments().front());
    const std::size_t size = kNumberBytes + kRecordHeaderBytes + SpoolBox::payload(2).size();
    bytes.resize(bytes.size() - size + std::min(cut, size));
    box.start();
    CHECK(box.spool->size() == 4);
    CHECK(box.spool->drops() == 0);
    CHECK(box.spool->oldest().seq == (cut < size ? 2 : 3));
    CHECK(box.spool->newest().stream == kOther);
    CHECK(box.spool->newest().seq == (cut < size ? 1 : 2));
    if (cut >= size) break;
  }
}

TEST_CASE("an old number that is there twice behind the new one waits once") {
  Record record;
  record.stream = parse_id128(kStream);
  std::string bytes;
  record.kind = RecordKind::plain_resealed;
  record.seq = 3;
  record.before = {record.stream, 1};
  append_record(bytes, record);
  record.kind = RecordKind::plain_batch;
  record.seq = 1;
  append_record(bytes, record);
  append_record(bytes, record);
  Scan scan({.segment = 1, .offset = 0, .stream = record.stream, .seq = 1});
  scan.segment(1, bytes, true);
  const Recovered found = scan.take_found(true);
  REQUIRE(found.batches.size() == 2);
  CHECK(found.batches[0].record.seq == 3);
  CHECK(found.batches[1].record.seq == 1);
}

TEST_CASE("a record under a new number that is damaged settles nothing") {
  SpoolBox box;
  box.add(1, 3);
  REQUIRE(box.spool->reseal(box.spool->newest().id, kOther, 3));
  std::string& bytes = box.files.content(box.files.segments().front());
  const std::size_t anew = bytes.rfind(SpoolBox::payload(3));
  REQUIRE(anew != bytes.find(SpoolBox::payload(3)));
  bytes[anew] ^= 1;
  box.start();
  CHECK(box.spool->size() == 3);
  CHECK(box.spool->newest().seq == 3);
  CHECK(box.spool->newest().stream == kStream);
}

TEST_CASE("a batch for whose new number there is no room is given up, declared") {
  SpoolBox box({.max_bytes = 800});
  box.add(1);
  REQUIRE(box.spool->reseal(box.spool->oldest().id, kOther, 1));
  CHECK(box.spool->empty());
  CHECK(box.dropped(LossReason::spool_full) == std::set<std::uint64_t>{1});
}
