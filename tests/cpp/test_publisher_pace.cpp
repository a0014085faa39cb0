// How many requests there are in a second, whatever the link and the disk do.
#include <algorithm>

#include "publisher_rig.hpp"

using namespace sysmon;
using namespace sysmon::test;

namespace {

// The most requests that lie within one second.
std::size_t most_in_a_second(const std::vector<Request>& requests) {
  std::size_t most = 0;
  for (auto first = requests.begin(); first != requests.end(); ++first) {
    const auto end = std::find_if(first, requests.end(),
                                  [&](const Request& one) { return one.time >= first->time + kSecond; });
    most = std::max(most, static_cast<std::size_t>(end - first));
  }
  return most;
}

// An hour's backlog of batches that go one by one.
void fall_behind(Rig& rig) {
  rig.server.answer = [](const Request&) { return ModelServer::error(0); };
  rig.run(kHour);
  rig.server.requests.clear();
}

}  // namespace

TEST_CASE("a link that comes and goes with every request is no reason to hurry") {
  Rig rig({.compression = Compression::none});
  rig.settings.random = [] { return std::uint64_t{0}; };  // no jitter: what comes back does so at once
  rig.publisher =
      std::make_unique<NetworkPublisher>(rig.settings, rig.ring, rig.clock, rig.server, rig.files);
  fall_behind(rig);
  rig.server.answer = [&](const Request&) -> std::optional<HttpReply> {
    if (rig.requests() % 2 == 0) return std::nullopt;
    return ModelServer::error(0);
  };
  rig.run(2 * kMinute);
  CHECK(rig.server.committed.size() == rig.ticks);
  CHECK(most_in_a_second(rig.server.requests) <= 11);
}

TEST_CASE("a disk that holds a request up does not bring the next one closer") {
  Rig rig({.compression = Compression::none});
  fall_behind(rig);
  rig.server.answer = [&](const Request&) -> std::optional<HttpReply> {
    if (rig.requests() > 1) return std::nullopt;
    return ModelServer::error(0);
  };
  // What waits is synced before it is sent over a link that has just failed: 90 ms each time.
  rig.files.fault = [&](std::string_view call) {
    if (call == "sync" && rig.requests() < 60) rig.clock.now += 90 * kMs;
    return 0;
  };
  rig.run(2 * kMinute);
  CHECK(rig.server.committed.size() == rig.ticks);
  CHECK(most_in_a_second(rig.server.requests) <= 11);
  for (std::size_t i = 1; i < rig.requests(); ++i) {
    if (rig.request(i).first == rig.request(i - 1).first + 1)  // neither was the live lane's
      CHECK(rig.request(i).time - rig.request(i - 1).time >= 100 * kMs);
  }
}

TEST_CASE("a disk that holds a live push up does not bring the next one closer") {
  Rig rig({.push_interval = milliseconds{1000},
           .collect_interval = milliseconds{1000},
           .spool = {.sync = SpoolSync::always}});
  bool has_stalled = false;
  rig.files.fault = [&](std::string_view call) {
    if (call == "sync" && rig.requests() == 10 && !std::exchange(has_stalled, true))
      rig.clock.now += 15 * kSecond;
    return 0;
  };
  rig.run(kMinute);
  REQUIRE(has_stalled);
  std::int64_t live_at = 0;
  std::uint64_t newest = 0;
  for (const Request& request : rig.server.requests) {
    if (request.last <= newest) continue;  // the backlog's
    CHECK(request.time - live_at >= 750 * kMs);
    live_at = request.time;
    newest = request.last;
  }
  CHECK(rig.publisher->ledger().spooled <= 1);
}

TEST_CASE(
    "where live batches are refused for the holes below them, the backlog that fills these has its turn") {
  Rig rig({.push_interval = milliseconds{1'000}, .collect_interval = milliseconds{1'000}});
  rig.server.answer = [](const Request&) { return ModelServer::error(0); };
  rig.run(10 * kMinute);
  rig.server.answer = [&](const Request& request) -> std::optional<HttpReply> {
    const bool is_bundle = request.first != request.last;
    if (is_bundle || request.last <= rig.server.committed.size() + 20) return std::nullopt;
    return ModelServer::error(503, "busy", "5");
  };
  rig.run(5 * kMinute);
  CHECK(rig.server.committed.size() >= rig.ticks - 1);
}
