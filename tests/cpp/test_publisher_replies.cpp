// What each reply does to the publisher: acknowledgements, refusals, pauses, conflicts.
#include <algorithm>

#include "publisher_rig.hpp"

using namespace sysmon;
using namespace sysmon::test;

TEST_CASE("only a 200 that names the range is an acknowledgement") {
  struct Case {
    const char* what;
    HttpReply reply;
  };
  const std::string stream(32, '0');
  for (const Case& one :
       {Case{"captive portal", {200, "", "<html>please log in</html>", ""}},
        Case{"no content", {204, "", "", ""}}, Case{"another range", {200, "", R"({"acked":[1,2]})", ""}},
        Case{"another stream", {200, "", R"({"stream":")" + stream + R"(","acked":[1,1]})", ""}},
        Case{"odd types", {200, "", R"({"acked":["1",-1]})", ""}}, Case{"no object", {200, "", "[1,1]", ""}},
        Case{"created", {201, "", R"({"acked":[1,1]})", ""}}}) {
    CAPTURE(one.what);
    Rig rig;
    rig.server.answer = [&](const Request&) { return one.reply; };
    rig.tick_and_step();
    CHECK(rig.publisher->stats().samples_acked == 0);
    CHECK(rig.publisher->stats().oldest_ns != 0);
    CHECK(rig.publisher->stats().send_failures > 0);
    rig.server.answer = nullptr;
    rig.run(2 * kMinute);
    CHECK(rig.publisher->stats().oldest_ns == 0);
    CHECK(rig.server.committed.size() == rig.ticks);
  }
}

TEST_CASE("an unknown outcome: the same bytes again, with backoff; the live lane does not wait") {
  for (const int status :
       {0, 408, 500, 502, 504, 599, 400, 422}) {  // 400 and 422 without our code: a proxy's
    CAPTURE(status);
    Rig rig;
    rig.server.answer = [&](const Request&) { return ModelServer::error(status); };
    rig.run(10 * kMinute);
    // Every interval has its live attempt, and the backlog's backoff bounds the rest.
    std::uint64_t newest = 0;
    std::size_t live = 0;
    for (const Request& request : rig.server.requests) {
      if (request.last > newest) {
        ++live;
        CHECK(request.first == request.last);
        newest = request.last;
      }
    }
    CHECK(live == 60);
    CHECK(rig.requests() < 60 + 60);
    // The bytes of a batch never change.
    std::map<std::string, std::string> bytes;
    for (const Request& request : rig.server.requests) {
      if (request.first != request.last) continue;
      const auto [known, is_new] = bytes.insert({request.header("X-SysMon-Seq"), request.body});
      if (!is_new) CHECK(known->second == request.body);
    }
    CHECK(rig.lines.size() == 1);  // one line for ten minutes of trouble
    rig.server.answer = nullptr;
    rig.run(30 * kSecond);
    CHECK(rig.server.committed.size() == rig.ticks);
    CHECK(rig.publisher->stats().oldest_ns == 0);
    CHECK(rig.said("takes batches again after 10 min"));
  }
}

TEST_CASE("the backoff doubles from one second to sixty, with full jitter") {
  // A push interval so long that only the backlog lane tries.
  Rig rig({.push_interval = milliseconds(3'600'000), .collect_interval = milliseconds(3'600'000)});
  rig.server.answer = [](const Request&) { return ModelServer::error(500); };
  rig.run(kHour - kSecond);
  REQUIRE(rig.requests() > 40);
  double longest = 0;
  double sum = 0;
  for (std::size_t i = 1; i < rig.requests(); ++i) {
    const double wait = rig.at(i) - rig.at(i - 1);
    // A wait is below the cap of its number; a tenth of a second is the least between two requests.
    CHECK(wait <= std::min(60.0, static_cast<double>(1U << std::min<std::size_t>(i - 1, 6))) + 0.11);
    longest = std::max(longest, wait);
    sum += wait;
  }
  CHECK(longest > 40);
  CHECK(sum / static_cast<double>(rig.requests()) < 45);  // full jitter: half the cap on average
}

TEST_CASE("a batch the aggregator will never take is given up, three in a row are not") {
  for (const int status : {400, 422}) {
    CAPTURE(status);
    Rig rig;
    rig.server.answer = [&](const Request&) { return ModelServer::error(status, "bad_json"); };
    rig.run(45 * kSecond);  // five ticks
    // Three are quarantined; from the fourth on everything is kept and the agent waits a minute.
    CHECK(rig.requests() == 4);
    CHECK(rig.dropped(LossReason::quarantined) == 9);
    rig.server.answer = nullptr;
    rig.run(2 * kMinute);
    CHECK(rig.server.committed.size() + 3 == rig.ticks);
    REQUIRE(!rig.server.declared.empty());
    CHECK(rig.server.declared.front() == "1-3;samples=9;reason=quarantined");
  }
}

TEST_CASE("one poisoned batch in a bundle is found and given up, the others arrive") {
  Rig rig;
  rig.server.answer = [](const Request&) { return ModelServer::error(500); };
  rig.run(10 * kMinute);
  rig.server.answer = [](const Request& request) -> std::optional<HttpReply> {
    if (request.first <= 17 && request.last >= 17) return ModelServer::error(400, "bad_json");
    return std::nullopt;
  };
  rig.run(kMinute);
  CHECK(rig.dropped(LossReason::quarantined) == 3);
  CHECK(rig.server.committed.size() + 1 == rig.ticks);
  CHECK(rig.publisher->stats().oldest_ns == 0);
}

TEST_CASE("a poisoned batch is found while live batches are acknowledged between any two bundles") {
  PublisherOptions options;
  options.push_interval = options.collect_interval = milliseconds{90};
  Rig rig(options);
  rig.server.answer = [](const Request&) { return ModelServer::error(500); };
  rig.run(5 * kSecond);
  rig.server.answer = [](const Request& request) -> std::optional<HttpReply> {
    if (request.first <= 17 && request.last >= 17) return ModelServer::error(400, "bad_json");
    return std::nullopt;
  };
  rig.run(10 * kSecond);
  CHECK(rig.dropped(LossReason::quarantined) == 3);
  CHECK(rig.server.committed.size() + 1 == rig.ticks);
}

TEST_CASE("a refusal keeps everything and asks again after 60 s to 15 min") {
  for (const int status : {301, 302, 307, 308, 401, 403, 404, 405, 411, 415}) {
    CAPTURE(status);
    Rig rig;
    rig.server.answer = [&](const Request&) { return ModelServer::error(status, "unauthorized"); };
    rig.run(2 * kHour);
    // 0, 1, 3, 7, 15, 30, 45 … minutes, each up to a tenth later.
    REQUIRE(rig.requests() >= 9);
    CHECK(rig.requests() <= 13);
    double wait = 60;
    for (std::size_t i = 1; i < rig.requests(); ++i) {
      CHECK(rig.at(i) - rig.at(i - 1) >= wait);
      CHECK(rig.at(i) - rig.at(i - 1) <= wait * 1.1 + 1);
      wait = std::min(wait * 2, 900.0);
    }
    CHECK(rig.lines.size() == 1);
    CHECK(rig.lines.at(0).find("secret") == std::string::npos);
    rig.server.answer = nullptr;
    rig.run(20 * kMinute);
    CHECK(rig.server.committed.size() == rig.ticks);  // nothing was lost in two hours
  }
}

TEST_CASE("a new token in the file is found without a restart") {
  Rig rig;
  rig.token = "old";
  rig.server.answer = [&](const Request& request) -> std::optional<HttpReply> {
    if (request.header("X-SysMon-Token") == "new") return std::nullopt;
    return ModelServer::error(401, "unauthorized");
  };
  rig.run(55 * kSecond);
  CHECK(rig.requests() == 2);  // with the token of the start, then with the one that is there now
  rig.token = "new";
  rig.run(11 * kSecond);
  CHECK(rig.server.committed.size() == rig.ticks);
  CHECK(rig.said("the token has changed"));
}

TEST_CASE("a token that changed while it was in use is tried at once") {
  Rig rig;
  rig.server.answer = [&](const Request& request) -> std::optional<HttpReply> {
    if (request.header("X-SysMon-Token") == "new") return std::nullopt;
    rig.token = "new";
    return ModelServer::error(401, "unauthorized");
  };
  rig.tick_and_step();
  rig.run(kSecond);
  CHECK(rig.server.committed.size() == 1);
}

TEST_CASE("a number that others used: a new stream, everything is numbered anew") {
  Rig rig;
  rig.server.answer = [](const Request&) { return ModelServer::error(500); };
  rig.run(kMinute);
  const std::string old = rig.publisher->stream();
  rig.server.answer = [&](const Request& request) -> std::optional<HttpReply> {
    if (request.header("X-SysMon-Stream") == old) return ModelServer::error(409, "conflict");
    return std::nullopt;
  };
  rig.run(kMinute);
  CHECK(rig.publisher->stream() != old);
  CHECK(rig.server.committed.size() == rig.ticks);
  for (const auto& [name, time] : rig.server.committed) CHECK(name.find(old) == std::string::npos);
}

TEST_CASE("an endless 409 is no hot loop") {
  Rig rig;
  rig.server.answer = [](const Request&) { return ModelServer::error(409, "conflict"); };
  rig.run(10 * kMinute);
  CHECK(rig.requests() < 150);
  CHECK(rig.publisher->stats().samples_acked == 0);
}

TEST_CASE("too big: the bundle is halved until it fits, and grows again") {
  Rig rig;
  rig.server.answer = [](const Request&) { return ModelServer::error(500); };
  rig.run(40 * kMinute);
  const std::size_t before = rig.requests();
  rig.server.answer = [](const Request& request) -> std::optional<HttpReply> {
    if (request.last - request.first + 1 > 5) return ModelServer::error(413);
    return std::nullopt;
  };
  rig.run(kMinute);
  CHECK(rig.server.committed.size() == rig.ticks);
  CHECK(rig.dropped(LossReason::quarantined) == 0);
  CHECK(rig.requests() - before < 240);
}

TEST_CASE("too big alone: the batch is given up") {
  Rig rig;
  rig.server.answer = [](const Request& request) -> std::optional<HttpReply> {
    if (request.first <= 1 && request.last >= 1) return ModelServer::error(413);
    return std::nullopt;
  };
  rig.run(20 * kSecond);
  CHECK(rig.dropped(LossReason::quarantined) == 3);
  CHECK(rig.server.committed.size() == 1);
  CHECK(rig.server.declared == std::vector<std::string>{"1-1;samples=3;reason=quarantined"});
}

TEST_CASE("Retry-After holds both lanes, ten minutes at most") {
  struct Case {
    const char* header;
    double least;
    double most;
  };
  // 1738862400 is the virtual start: Thu, 06 Feb 2025 17:20:00 GMT.
  for (const Case& one :
       {Case{"30", 30, 31.1}, Case{"1000000000", 600, 601.1}, Case{"99999999999999999999999", 600, 601.1},
        Case{"Thu, 06 Feb 2025 17:22:00 GMT", 120, 121.1}, Case{"0", 0, 10}, Case{"-5", 0, 10},
        Case{"soon", 0, 10}, Case{"Thu, 06 Feb 2020 17:22:00 GMT", 0, 10}, Case{"", 0, 10}}) {
    for (const int status : {429, 503}) {
      CAPTURE(one.header);
      CAPTURE(status);
      Rig rig;
      rig.server.answer = [&](const Request&) {
        return ModelServer::error(status, "overloaded", one.header);
      };
      rig.tick_and_step();
      rig.server.answer = nullptr;
      rig.next_tick = rig.start + 10 * kSecond;
      rig.run(20 * kMinute);
      REQUIRE(rig.requests() > 1);
      CHECK(rig.at(1) >= one.least);
      CHECK(rig.at(1) <= one.most);
      CHECK(rig.server.committed.size() == rig.ticks);
    }
  }
}

TEST_CASE("an aggregator too busy for bundles takes live batches all the while") {
  Rig rig;
  rig.server.answer = [](const Request&) { return ModelServer::error(0); };
  rig.run(kHour);
  rig.server.answer = [](const Request& request) -> std::optional<HttpReply> {
    if (request.first != request.last) return ModelServer::error(503, "too_many_bundles", "30");
    return std::nullopt;
  };
  rig.run(kMinute);
  const std::size_t before = rig.requests();
  rig.run(10 * kMinute);
  std::size_t live = 0;
  std::int64_t last_bundle = 0;
  for (std::size_t i = before; i < rig.requests(); ++i) {
    const Request& request = rig.request(i);
    if (request.first == request.last) {
      ++live;
      continue;
    }
    if (last_bundle != 0) CHECK(request.time - last_bundle >= 30 * kSecond);
    last_bundle = request.time;
  }
  CHECK(live == 60);
  CHECK(last_bundle != 0);
  CHECK_FALSE(rig.said("503"));  // the link is well
  rig.server.answer = nullptr;
  rig.run(2 * kMinute);
  CHECK(rig.server.committed.size() == rig.ticks);
}

TEST_CASE("rejected samples of an accepted batch are counted and never sent again") {
  Rig rig;
  rig.server.answer = [](const Request& request) { return ModelServer::ack(request, false, 0, 2); };
  rig.run(15 * kSecond);
  CHECK(rig.requests() == 2);
  CHECK(rig.publisher->stats().samples_acked == 2);
  CHECK(rig.dropped(LossReason::rejected) == 4);
}
