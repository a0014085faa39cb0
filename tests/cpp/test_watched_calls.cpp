#include "sysmon/watched_calls.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "fake_clock.hpp"
#include "stuck_call.hpp"

using namespace std::chrono_literals;
using sysmon::FakeClock;
using sysmon::StuckCall;
using sysmon::WatchedCalls;

namespace {

// Longer than any test; `wait` ends because of what the calls do, not because of this.
constexpr auto kLong = 3600s;

using Counter = std::shared_ptr<std::atomic<int>>;
Counter counter() { return std::make_shared<std::atomic<int>>(0); }

}  // namespace

TEST_CASE("watched calls are made, each once") {
  WatchedCalls calls(5s);
  const Counter made = counter();
  for (int i = 0; i < 50; ++i) CHECK(calls.start("call " + std::to_string(i), [made] { ++*made; }));
  calls.wait(kLong);
  CHECK(*made == 50);
  CHECK(calls.pending() == 0);
  CHECK(calls.start("call 0", [made] { ++*made; }));  // its key is free again
  calls.wait(kLong);
  CHECK(*made == 51);
}

TEST_CASE("a stuck call is left behind, the others are made, and no second one is started on it") {
  FakeClock clock;
  const StuckCall hung;
  const Counter made = counter();
  {
    WatchedCalls calls(5s, clock);
    calls.start("/mnt/nfs", [hung, &clock] {
      clock.advance(6s);  // time passes for the one who waits
      hung.enter();
    });
    calls.start("/", [made] { ++*made; });
    calls.start("/home", [made] { ++*made; });
    calls.wait(kLong);
    CHECK(*made == 2);
    CHECK(calls.pending() == 1);
    REQUIRE(calls.stuck_for("/mnt/nfs").has_value());
    CHECK(*calls.stuck_for("/mnt/nfs") == 6s);
    CHECK_FALSE(calls.stuck_for("/").has_value());

    clock.advance(60s);
    CHECK_FALSE(calls.start("/mnt/nfs", [hung] { hung.enter(); }));
    CHECK(calls.start("/", [made] { ++*made; }));
    calls.wait(kLong);
    CHECK(*made == 3);
    CHECK(*calls.stuck_for("/mnt/nfs") == 66s);
    CHECK(hung.times_entered() == 1);

    hung.release();  // the server is back, and so is the mount
    const Counter back = counter();
    while (!calls.start("/mnt/nfs", [back] { ++*back; })) calls.wait(1ms);
    calls.wait(kLong);
    CHECK(*back == 1);
    CHECK_FALSE(calls.stuck_for("/mnt/nfs").has_value());
  }
}

TEST_CASE("destruction does not wait for a stuck call, and the call may return later") {
  FakeClock clock;
  const StuckCall hung;
  const StuckCall returned;
  {
    WatchedCalls calls(5s, clock);
    calls.start("stuck", [hung, returned, &clock] {
      clock.advance(6s);
      hung.enter();
      returned.release();
    });
    calls.wait(kLong);
    CHECK(calls.pending() == 1);
  }
  hung.release();
  returned.enter();  // blocks until the abandoned thread has gone past its call
}

TEST_CASE("when every thread is stuck the rest is dropped, not waited for") {
  FakeClock clock;
  const StuckCall hung;
  const Counter made = counter();
  WatchedCalls calls(5s, clock);
  for (std::size_t i = 0; i < WatchedCalls::kMaxThreads; ++i) {
    calls.start("stuck " + std::to_string(i), [hung, &clock] {
      clock.advance(6s);
      hung.enter();
    });
    calls.wait(kLong);
  }
  CHECK(calls.pending() == WatchedCalls::kMaxThreads);
  CHECK(calls.start("one more", [made] { ++*made; }));
  calls.wait(kLong);
  CHECK(*made == 0);
  CHECK(calls.pending() == WatchedCalls::kMaxThreads);
  hung.release();
}

TEST_CASE("wait ends when its time is over, with the call still on its way") {
  // Time passes by being looked at.
  class PassingClock final : public sysmon::Clock {
   public:
    [[nodiscard]] std::int64_t mono_ns() const override { return ns_.fetch_add(10'000'000); }
    [[nodiscard]] std::int64_t wall_ms() const override { return 0; }
    [[nodiscard]] std::int64_t boottime_ms() const override { return 0; }

   private:
    mutable std::atomic<std::int64_t> ns_{0};
  };
  const PassingClock clock;
  const StuckCall slow;
  const Counter made = counter();
  WatchedCalls calls(1h, clock);
  calls.start("slow", [slow, made] {
    slow.enter();
    ++*made;
  });
  calls.wait(500ms);
  CHECK(*made == 0);
  CHECK_FALSE(calls.stuck_for("slow").has_value());  // slow is not stuck
  slow.release();
  calls.wait(kLong);
  CHECK(*made == 1);
}
