#include "sysmon/ring_buffer.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace sysmon {

TEST_CASE("capacity is rounded up to a power of two") {
  CHECK(RingBuffer<int>(1).capacity() == 2);
  CHECK(RingBuffer<int>(5).capacity() == 8);
  CHECK(RingBuffer<int>(64).capacity() == 64);
}

TEST_CASE("a full ring refuses the newest and counts it") {
  RingBuffer<int> ring(2);
  CHECK(ring.try_push(1));
  CHECK(ring.try_push(2));
  CHECK_FALSE(ring.try_push(3));
  CHECK(ring.dropped() == 1);
  CHECK(ring.size() == 2);
  int item = 0;
  CHECK(ring.try_pop(item));
  CHECK(item == 1);
  CHECK(ring.try_push(4));
  CHECK(ring.try_pop(item));
  CHECK(item == 2);
  CHECK(ring.try_pop(item));
  CHECK(item == 4);
  CHECK_FALSE(ring.try_pop(item));
  CHECK(ring.size() == 0);
}

TEST_CASE("an item that was refused is untouched") {
  RingBuffer<std::string> ring(2);
  CHECK(ring.try_push(std::string("a")));
  CHECK(ring.try_push(std::string("b")));
  std::string item = "long enough not to lie in the string itself";
  CHECK_FALSE(ring.try_push(std::move(item)));
  CHECK(item == "long enough not to lie in the string itself");  // NOLINT(bugprone-use-after-move)
}

TEST_CASE("slots are reused in place, with what they hold") {
  RingBuffer<std::vector<int>> ring(2);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 2; ++i) {
      std::vector<int>* slot = ring.try_claim();
      REQUIRE(slot != nullptr);
      CHECK(ring.try_claim() == slot);  // not published: the same one
      if (round > 0) CHECK(slot->capacity() >= 100);
      slot->assign(100, round);
      ring.publish();
    }
    CHECK(ring.drain([round](const std::vector<int>& slot) { CHECK(slot.front() == round); }) == 2);
  }
  CHECK(ring.drain([](const std::vector<int>& /*slot*/) {}) == 0);
}

// A moment of contention, or $SYSMON_STRESS_S of it (make tsan): nothing is lost, doubled, torn or out of
// order.
TEST_CASE("two threads, counts and order under contention") {
  using Clock = std::chrono::steady_clock;
  struct Item {
    std::uint64_t number = 0;
    std::uint64_t square = 0;  // torn, if it does not fit the number
  };
  const char* seconds = std::getenv("SYSMON_STRESS_S");
  const auto until =
      Clock::now() + (seconds == nullptr ? std::chrono::milliseconds(200)
                                         : std::chrono::seconds(std::strtol(seconds, nullptr, 10)));
  RingBuffer<Item> ring(64);
  std::uint64_t pushed = 0;
  std::uint64_t refused = 0;
  std::uint64_t popped = 0;
  std::uint64_t wrong = 0;
  std::atomic<bool> is_done{false};
  {
    const std::jthread producer([&] {
      std::uint64_t number = 0;  // grows by one whether or not there was room
      while (number % 1024 != 0 || Clock::now() < until) {
        ++number;
        if (ring.try_push({number, number * number})) {
          ++pushed;
        } else {
          ++refused;
        }
      }
      is_done.store(true);
    });
    const std::jthread consumer([&] {
      std::uint64_t before = 0;
      const auto take = [&](const Item& item) {
        if (item.number <= before || item.square != item.number * item.number) ++wrong;
        before = item.number;
        ++popped;
      };
      while (!is_done.load()) {
        Item item;
        if (popped % 3 == 0) {
          ring.drain(take);
        } else if (ring.try_pop(item)) {
          take(item);
        }
      }
      ring.drain(take);
    });
  }
  CHECK(wrong == 0);
  CHECK(popped == pushed);
  CHECK(ring.dropped() == refused);
  CHECK(pushed > 0);
}

}  // namespace sysmon
