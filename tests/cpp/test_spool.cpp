#include <doctest/doctest.h>

#include <map>
#include <set>

#include "core/spool/crc32c.hpp"
#include "core/spool/cursor.hpp"
#include "core/spool/record.hpp"
#include "crash_files.hpp"
#include "sysmon/spool.hpp"
#include "virtual_clock.hpp"

using namespace sysmon;
using namespace sysmon::test;

namespace {

const std::string kStream(32, 'a');
const std::string kOther(32, 'b');

// A spool over a disk that outlives it.
struct Box {
  explicit Box(SpoolOptions given = {}) : options(std::move(given)) {
    options.boot_id = "0a0b0c0d-0000-4000-8000-000000000001";
    start();
  }

  void start() {
    spool.reset();
    spool.emplace(files, clock, options,
                  [this](LogLevel, std::string_view line) { lines.emplace_back(line); });
  }

  void add(std::uint64_t seq, const std::string& stream = kStream) {
    spool->append(stream, seq, 3, payload(seq), true);
  }
  void add(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t seq = first; seq <= last; ++seq) add(seq);
  }
  static std::string payload(std::uint64_t seq) {
    return "payload " + std::to_string(seq) + std::string(400, static_cast<char>('a' + seq % 26));
  }

  std::vector<SpooledBatch> bundle(std::size_t batches = 64) {
    std::vector<SpooledBatch> found;
    BundleLimits limits;
    limits.batches = batches;
    spool->bundle(UINT64_MAX, limits, found);
    return found;
  }

  // Takes everything out, oldest first; checks the bytes.
  std::vector<std::uint64_t> drain() {
    std::vector<std::uint64_t> seqs;
    while (!spool->empty()) {
      for (const SpooledBatch& batch : bundle()) {
        std::string bytes;
        REQUIRE(spool->read(batch.id, bytes));
        CHECK(bytes == payload(batch.seq));
        seqs.push_back(batch.seq);
      }
      spool->acknowledge(bundle());
    }
    return seqs;
  }

  [[nodiscard]] std::set<std::uint64_t> dropped(LossReason reason) const {
    std::set<std::uint64_t> seqs;
    for (std::size_t i = 0; i < spool->drops(); ++i) {
      const DeclaredDrop drop = spool->drop(i);
      if (drop.reason != reason) continue;
      for (std::uint64_t seq = drop.range.first; seq <= drop.range.last; ++seq) {
        CHECK(seqs.insert(seq).second);
      }
    }
    return seqs;
  }

  [[nodiscard]] bool said(std::string_view part) const {
    for (const std::string& line : lines) {
      if (line.find(part) != std::string::npos) return true;
    }
    return false;
  }

  VirtualClock clock;
  CrashFiles files;
  SpoolOptions options;
  std::vector<std::string> lines;
  std::optional<Spool> spool;
};

std::vector<std::uint64_t> range(std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> seqs;
  for (std::uint64_t seq = first; seq <= last; ++seq) seqs.push_back(seq);
  return seqs;
}

}  // namespace

TEST_CASE("crc32c is the one of RFC 3720") {
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aaU);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43U);
  CHECK(crc32c("123456789") == 0xe3069283U);
  CHECK(crc32c("6789", crc32c("12345")) == crc32c("123456789"));
}

TEST_CASE("a record reads back; any flipped bit and any cut is noticed") {
  Record record;
  record.stream = parse_id128(kStream);
  record.seq = 42;
  record.ts_first = -1;
  record.boottime_ms = 1234567890123;
  record.samples = 7;
  record.payload = "some bytes";
  std::string bytes;
  append_record(bytes, record);
  const auto back = parse_record(bytes);
  REQUIRE(back);
  CHECK(back->stream == record.stream);
  CHECK(back->seq == 42);
  CHECK(back->ts_first == -1);
  CHECK(back->boottime_ms == 1234567890123);
  CHECK(back->samples == 7);
  CHECK(back->payload == "some bytes");
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    CHECK(!parse_record(damaged));
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK(!parse_record(bytes.substr(0, size)));
}

TEST_CASE("a stream is 32 hexadecimal digits, with or without dashes") {
  CHECK(to_text(parse_id128("0123456789abcdef0123456789abcdef")) == "0123456789abcdef0123456789abcdef");
  CHECK(to_text(parse_id128("01234567-89ab-cdef-0123-456789abcdef")) == "0123456789abcdef0123456789abcdef");
  for (const char* bad :
       {"", "0123", "0123456789abcdef0123456789abcdeg", "0123456789abcdef0123456789abcdef0"})
    CHECK(parse_id128(bad) == Id128{});
}

TEST_CASE("what is not acknowledged is there after a restart, under the same numbers") {
  Box box;
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
  Box box;
  box.add(1, 10);
  box.spool->acknowledge(box.bundle(4));
  box.start();
  CHECK(box.drain() == range(5, 10));
}

TEST_CASE("a healthy host never syncs; what waits longer than a second is synced once") {
  Box box;
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
  Box box({.sync = SpoolSync::always});
  box.files.random = [] { return std::uint64_t{1}; };  // nothing unsynced survives
  for (std::uint64_t seq = 1; seq <= 20; ++seq) {
    box.add(seq);
    box.files.lose_power();
    box.start();
    CHECK(box.spool->size() == seq);
  }
}

TEST_CASE("segments are deleted once they are done with") {
  Box box;
  for (std::uint64_t seq = 1; seq <= 10'000; ++seq) {
    box.add(seq);
    box.spool->acknowledge(box.bundle());
  }
  CHECK(box.files.segments().size() <= 2);
}

TEST_CASE("the bound of bytes: the oldest go, declared, an eighth at a time") {
  Box box({.max_bytes = 64U << 10U});
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
  Box box({.max_bytes = 100});
  box.add(1, 50);
  CHECK(box.spool->size() >= 1);
  CHECK(box.spool->newest().seq == 50);
  CHECK(box.spool->size() + box.dropped(LossReason::spool_full).size() == 50);
}

TEST_CASE("the bound of age counts through restarts and whatever the wall clock does") {
  Box box({.max_age = std::chrono::hours{1}});
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

TEST_CASE("a torn tail is cut off, wherever it is torn") {
  Box whole;
  whole.add(1, 3);
  const std::string segment = whole.files.segments().at(0);
  const std::string bytes = whole.files.content(segment);
  Box two;
  two.add(1, 2);
  const std::size_t third = two.files.content(segment).size();
  for (std::size_t size = third; size < bytes.size(); ++size) {
    Box box;
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
  Box whole({.max_bytes = 1U << 20U});
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
    Box box({.max_bytes = 1U << 20U});
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
  Box box;
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
  Box box({.max_bytes = 8U << 10U});
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
  Box box({.max_bytes = 8U << 10U});
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
  Box box({.max_bytes = 1U << 20U});
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

TEST_CASE("a cursor that is garbage costs duplicates, never a batch") {
  for (const std::string& garbage : {std::string(), std::string(5000, 'x'), std::string(8192, '\0')}) {
    Box box;
    box.add(1, 10);
    box.spool->acknowledge(box.bundle(5));
    box.files.put(kCursorFile, garbage);
    box.start();
    CHECK(box.drain() == range(1, 10));
  }
}

TEST_CASE("numbers that no agent counts up to are none of ours") {
  for (const std::string name : {"segment-18446744073709551615", "segment-18446744073709551614"}) {
    Box box;
    box.files.put(name, "whatever");
    box.start();
    box.add(1, 3);
    box.start();
    CHECK(box.drain() == range(1, 3));
    CHECK(box.files.has(name));
  }
}

TEST_CASE("a slot torn within a write leaves the other one") {
  Box box;
  box.add(1, 10);
  box.spool->acknowledge(box.bundle(3));
  box.spool->acknowledge(box.bundle(3));
  const std::string good = box.files.content(kCursorFile);
  for (const std::size_t slot : {std::size_t{0}, std::size_t{4096}}) {
    box.files.put(kCursorFile, good);
    box.files.content(kCursorFile).replace(slot, 20, std::string(20, 'x'));
    Box again;
    for (const std::string& name : box.files.segments()) again.files.put(name, box.files.content(name));
    again.files.put(kCursorFile, box.files.content(kCursorFile));
    again.start();
    const std::size_t left = again.spool->size();
    CHECK((left == 4 || left == 7));
  }
}

TEST_CASE("nothing is appended behind a cursor that saw more than there is now") {
  Box box;
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

TEST_CASE("a full disk: the newest stay in memory, the rest is declared, and it heals") {
  Box box;
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
  CHECK(bytes == Box::payload(4000));

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
  Box box;
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
        Box box({.max_bytes = 16U << 10U, .sync = which % 2 == 0 ? SpoolSync::always : SpoolSync::deferred});
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
  Box box;
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

TEST_CASE("a batch under a new number: the old one is gone for good, and nobody is told of a loss") {
  Box box;
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
    Box box;
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
    Box box;
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

TEST_CASE("a note without the batch that lives on settles nothing") {
  Box box;
  box.add(1, 3);
  REQUIRE(box.spool->reseal(box.spool->newest().id, kOther, 3));
  std::string& bytes = box.files.content(box.files.segments().front());
  const std::size_t anew = bytes.rfind(Box::payload(3));
  REQUIRE(anew != bytes.find(Box::payload(3)));
  bytes[anew] ^= 1;
  box.start();
  CHECK(box.spool->size() == 3);
  CHECK(box.spool->newest().seq == 3);
  CHECK(box.spool->newest().stream == kStream);
}

TEST_CASE("no start writes over what one before it wrote far ahead") {
  Box box;
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

TEST_CASE("a batch for whose new number there is no room is given up, declared") {
  Box box({.max_bytes = 800});
  box.add(1);
  REQUIRE(box.spool->reseal(box.spool->oldest().id, kOther, 1));
  CHECK(box.spool->empty());
  CHECK(box.dropped(LossReason::spool_full) == std::set<std::uint64_t>{1});
}

TEST_CASE("bundles are contiguous, of one stream, packed, and within the limits") {
  Box box;
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
  Box box;
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
  Box box;
  box.spool->append(kStream, 1, 3, std::string((1U << 20U) + 1, 'x'), true);
  CHECK(box.spool->empty());
  CHECK(box.dropped(LossReason::quarantined) == std::set<std::uint64_t>{1});
}
