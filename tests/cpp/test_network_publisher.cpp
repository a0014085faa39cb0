#include <algorithm>
#include <thread>

#include "publisher_rig.hpp"

using namespace sysmon;
using namespace sysmon::test;

TEST_CASE("the first batch is pushed at once, with its identity") {
  Rig rig({.host_tags = {{"role", "web"}}});
  rig.tick_and_step();
  REQUIRE(rig.requests() == 1);
  const Request& request = rig.request(0);
  CHECK(request.url == "http://central:9000/api/metrics");
  CHECK(request.header("X-SysMon-Token") == "secret");
  CHECK(request.header("Content-Encoding") == "gzip");
  CHECK(request.header("X-SysMon-Stream") == rig.publisher->stream());
  CHECK(request.header("X-SysMon-Stream").size() == 32);
  CHECK(request.header("X-SysMon-Seq") == "1");
  CHECK(request.header("X-SysMon-Now") == "1738862400000;a-boot;3600000");
  CHECK(request.header("X-SysMon-Dropped").empty());
  const json document = json::parse(members_of(request.body).at(0));
  CHECK(document["hostname"] == "web01");
  CHECK(document["agent_id"] == rig.publisher->agent_id());
  CHECK(document["boot_id"] == "a-boot");
  CHECK(document["tags"]["role"] == "web");
  CHECK(document["interval"] == 10);
  CHECK(document["metrics"].size() == 3);
  CHECK(rig.publisher->stats().samples_acked == 3);
  CHECK(rig.publisher->stats().oldest_ns == 0);
}

TEST_CASE("a healthy agent makes one request an interval, of the newest batch alone") {
  Rig rig;
  rig.run(10 * kMinute);
  REQUIRE(rig.requests() == 60);
  for (std::size_t i = 0; i < 60; ++i) {
    CHECK(rig.at(i) == doctest::Approx(10.0 * static_cast<double>(i)));
    CHECK(rig.request(i).header("X-SysMon-Seq") == std::to_string(i + 1));
  }
  CHECK(rig.lines == std::vector<std::string>{"pushing to http://central:9000 as web01 every 10s"});
}

TEST_CASE("the jitter of the start shifts the second push and with it all later ones") {
  Rig rig({.phase = milliseconds(3700)});
  rig.next_tick = rig.clock.now;
  rig.tick_and_step();
  rig.clock.now += kSecond;
  rig.tick();  // the second tick comes after a second
  rig.next_tick = rig.start + 13'700 * kMs;
  rig.run(30 * kSecond);
  REQUIRE(rig.requests() == 4);
  CHECK(rig.at(0) == 0);
  CHECK(rig.at(1) == doctest::Approx(3.7));
  CHECK(rig.at(2) == doctest::Approx(13.7));
  CHECK(rig.at(3) == doctest::Approx(23.7));
}

TEST_CASE("a tick that comes a little early or late does not shift the grid") {
  Rig rig;
  for (int i = 0; i < 200; ++i) {
    rig.clock.now = rig.start + i * 10 * kSecond + (i % 3) * 40 * kMs;
    rig.tick_and_step();
    CHECK(rig.requests() == static_cast<std::size_t>(i) + 1);
  }
}

TEST_CASE("ticks between two pushes go as one bundle behind the newest") {
  Rig rig({.collect_interval = milliseconds(1000)});
  rig.run(31 * kSecond);
  // At 0 s: 1. At 10 s: the newest, then what came before it, and so on.
  REQUIRE(rig.requests() == 7);
  CHECK(rig.request(1).header("X-SysMon-Seq") == "11");
  CHECK(rig.request(2).header("X-SysMon-Seq") == "2-10");
  CHECK(members_of(rig.request(2).body).size() == 9);
  CHECK(rig.request(3).header("X-SysMon-Seq") == "21");
  CHECK(rig.request(4).header("X-SysMon-Seq") == "12-20");
  CHECK(rig.publisher->ledger().acked == 31);
}

TEST_CASE("where a request lasts longer than the push interval, the lanes take turns") {
  Rig rig;
  rig.server.latency = 12 * kSecond;
  rig.run(10 * kMinute);
  CHECK(rig.publisher->ledger().acked + 4 >= rig.ticks);
  for (std::size_t i = 2; i < rig.requests(); ++i) {
    const bool is_bundle = rig.request(i).last != rig.request(i).first;
    const bool was_bundle = rig.request(i - 1).last != rig.request(i - 1).first;
    CHECK_FALSE((is_bundle && was_bundle));
  }
}

TEST_CASE("after an outage the newest comes first, the backlog follows oldest first in bundles") {
  Rig rig;
  rig.server.answer = [](const Request&) { return ModelServer::error(0); };
  rig.run(2 * kHour);  // 720 batches
  const std::size_t before = rig.requests();
  rig.server.answer = nullptr;
  const std::int64_t healed = rig.clock.now;
  rig.run(20 * kSecond);

  const auto& requests = rig.server.requests;
  std::uint64_t newest_at_heal = 0;
  for (std::size_t i = 0; i < before; ++i) newest_at_heal = std::max(newest_at_heal, requests[i].last);
  std::uint64_t next = 1;
  std::int64_t last_bundle = 0;
  std::int64_t fresh_at = 0;
  for (std::size_t i = before; i < requests.size(); ++i) {
    const Request& request = requests[i];
    if (request.last > newest_at_heal && fresh_at == 0) fresh_at = request.time;
    if (request.first != next) continue;  // the live lane
    CHECK(request.last - request.first + 1 <= 64);
    if (last_bundle != 0) CHECK(request.time - last_bundle >= 100 * kMs);
    last_bundle = request.time;
    next = request.last + 1;
  }
  CHECK(fresh_at - healed <= 20 * kSecond);
  CHECK(rig.server.committed.size() == rig.ticks);
  CHECK(requests.size() - before <= 2 + 720 / 64 + 4);
  CHECK(rig.publisher->stats().oldest_ns == 0);
}

TEST_CASE("72 hours without an aggregator: bounded memory, every loss declared, the rest arrives once") {
  Rig rig({.spool = {.max_bytes = 256U << 10U}});
  rig.server.answer = [](const Request&) { return ModelServer::error(0); };
  rig.run(72 * kHour);
  CHECK(rig.files.used() <= (256U << 10U) + 20'000);
  CHECK(rig.requests() < 72 * 3600 / 10 * 2);
  rig.server.answer = nullptr;
  rig.run(10 * kMinute);

  const PublisherStats& stats = rig.publisher->stats();
  CHECK(stats.oldest_ns == 0);
  CHECK(stats.samples_collected == 3 * rig.ticks);
  CHECK(stats.samples_collected == stats.samples_acked + rig.dropped(LossReason::spool_full));
  CHECK(rig.dropped(LossReason::spool_full) > 0);
  CHECK(rig.server.committed.size() * 3 == stats.samples_acked);
  // One contiguous range of the oldest, said once.
  const std::uint64_t lost = rig.dropped(LossReason::spool_full) / 3;
  REQUIRE(rig.server.declared.size() == 1);
  CHECK(rig.server.declared[0] ==
        "1-" + std::to_string(lost) + ";samples=" + std::to_string(3 * lost) + ";reason=spool_full");
  CHECK(rig.server.committed.contains(rig.publisher->stream() + ":" + std::to_string(lost + 1)));
}

TEST_CASE("the default bound holds more than five minutes of a large host") {
  Rig rig;
  rig.server.answer = [](const Request&) { return ModelServer::error(0); };
  for (int i = 0; i < 60; ++i) {
    rig.tick_and_step(2000);
    rig.clock.now += 10 * kSecond;
  }
  CHECK(rig.dropped(LossReason::spool_full) == 0);
}

TEST_CASE("what is older than it is of interest is dropped and declared") {
  Rig rig({.spool = {.max_age = std::chrono::minutes{10}}});
  rig.server.answer = [](const Request&) { return ModelServer::error(0); };
  rig.run(30 * kMinute);
  rig.server.answer = nullptr;
  rig.run(kMinute);
  CHECK(rig.dropped(LossReason::too_old) > 0);
  CHECK(rig.publisher->stats().samples_collected ==
        rig.publisher->stats().samples_acked + rig.dropped(LossReason::too_old));
  REQUIRE(!rig.server.declared.empty());
  CHECK(rig.server.declared[0].find("reason=too_old") != std::string::npos);
}

TEST_CASE("a drop is declared until a reply that is no duplicate has acknowledged it") {
  Rig rig;
  rig.server.answer = [](const Request& request) -> std::optional<HttpReply> {
    if (request.first == 1) return ModelServer::error(413);
    return ModelServer::ack(request, true);
  };
  rig.tick_and_step();
  rig.clock.now += 10 * kSecond;
  rig.tick_and_step();
  CHECK(rig.last().header("X-SysMon-Dropped") == "1-1;samples=3;reason=quarantined");
  rig.server.answer = nullptr;
  rig.clock.now += 10 * kSecond;
  rig.tick_and_step();
  CHECK(rig.last().header("X-SysMon-Dropped") == "1-1;samples=3;reason=quarantined");
  rig.clock.now += 10 * kSecond;
  rig.tick_and_step();
  CHECK(rig.last().header("X-SysMon-Dropped").empty());
}

TEST_CASE("while somebody watches, ticks and pushes come every second, for a bounded time") {
  Rig rig;
  rig.server.answer = [&](const Request& request) {
    return ModelServer::ack(request, false, rig.ticks == 1 ? 30 : 0);
  };
  CHECK(rig.publisher->wanted_interval(rig.clock.now) == milliseconds(10'000));
  rig.tick_and_step();
  CHECK(rig.publisher->wanted_interval(rig.clock.now) == milliseconds(1000));
  for (int i = 0; i < 29; ++i) {
    rig.clock.now += kSecond;
    rig.tick_and_step();
  }
  CHECK(rig.requests() == 30);
  rig.clock.now += 2 * kSecond;
  CHECK(rig.publisher->wanted_interval(rig.clock.now) == milliseconds(10'000));
  rig.next_tick = rig.clock.now;
  const std::size_t before = rig.requests();
  rig.run(100 * kSecond);
  CHECK(rig.requests() - before <= 11);

  // The first batch after it has begun waits for its second too, however long the interval was before.
  Rig soon;
  soon.server.answer = [&](const Request& request) {
    return ModelServer::ack(request, false, soon.ticks == 2 ? 30 : 0);
  };
  soon.run(10 * kSecond);
  soon.tick_and_step();
  soon.clock.now += 30 * kMs;
  soon.tick_and_step();
  CHECK(soon.requests() == 2);

  Rig greedy;
  greedy.server.answer = [](const Request& request) {
    return ModelServer::ack(request, false, 2'000'000'000);
  };
  greedy.tick_and_step();
  CHECK(greedy.publisher->wanted_interval(greedy.clock.now + 2 * kHour) == milliseconds(10'000));
}

TEST_CASE("the last push sends the newest first and ends by its deadline") {
  Rig rig;
  rig.server.answer = [](const Request&) { return ModelServer::error(0); };
  rig.run(10 * kMinute);
  rig.server.answer = nullptr;
  rig.tick();
  const std::size_t before = rig.requests();
  rig.publisher->flush(rig.clock.now + 4 * kSecond);
  CHECK(rig.request(before).first == rig.ticks);
  CHECK(rig.server.committed.size() == rig.ticks);

  Rig hung;
  hung.tick_and_step();
  hung.server.latency = 4 * kSecond;
  hung.server.answer = [](const Request&) { return ModelServer::error(0); };
  hung.tick();
  const std::int64_t deadline = hung.clock.now + 4 * kSecond;
  hung.publisher->flush(deadline);
  CHECK(hung.requests() == 2);
  CHECK(hung.last().timeout == milliseconds(4000));
}

TEST_CASE("another configuration: the queue, the stream and agent_id stay") {
  Rig rig;
  rig.token = "wrong";
  rig.server.answer = [](const Request&) { return ModelServer::error(401, "unauthorized"); };
  rig.run(kMinute);
  const std::string stream = rig.publisher->stream();
  const std::string agent_id = rig.publisher->agent_id();
  rig.server.answer = nullptr;
  rig.token = "right";
  PublisherOptions options = rig.settings;
  options.aggregator_url = "http://other:9000";
  options.compression = Compression::none;
  rig.publisher->reconfigure(options, rig.server);
  rig.run(15 * kSecond);
  CHECK(rig.server.committed.size() == rig.ticks);
  CHECK(rig.publisher->stream() == stream);
  CHECK(rig.publisher->agent_id() == agent_id);
  CHECK(rig.last().url == "http://other:9000/api/metrics");
  CHECK(rig.last().header("X-SysMon-Token") == "right");
  CHECK(rig.last().header("Content-Encoding").empty());
  CHECK(json::parse(rig.last().body)["hostname"] == "web01");
}

TEST_CASE("uncompressed batches go one by one, and never share a bundle with packed ones") {
  Rig rig({.collect_interval = milliseconds(1000), .compression = Compression::none});
  rig.run(15 * kSecond);
  for (const Request& request : rig.server.requests) CHECK(request.first == request.last);
  CHECK(rig.server.committed.size() >= 10);
}

TEST_CASE("facts come first, when they change, and once an hour") {
  std::string facts = R"({"cores":4})";
  Rig rig({.facts = [&] { return std::string_view(facts); }});
  const auto has_facts = [&] { return json::parse(members_of(rig.last().body).at(0)).contains("facts"); };
  rig.tick_and_step();
  CHECK(has_facts());
  rig.clock.now += 10 * kSecond;
  rig.tick_and_step();
  CHECK(!has_facts());
  facts = R"({"cores":8})";
  rig.clock.now += 10 * kSecond;
  rig.tick_and_step();
  CHECK(has_facts());
  rig.clock.now += 10 * kSecond;
  rig.tick_and_step();
  CHECK(!has_facts());
  rig.clock.now += kHour;
  rig.tick_and_step();
  CHECK(has_facts());
}

TEST_CASE("agent_id is kept for life, stream is new with every start") {
  Rig rig;
  const std::string id = rig.publisher->agent_id();
  CHECK(id.size() == 36);
  CHECK(id[14] == '4');
  CHECK(rig.files.content("agent_id") == id + "\n");
  const std::string stream = rig.publisher->stream();
  NetworkPublisher again(rig.settings, rig.ring, rig.clock, rig.server, rig.files);
  CHECK(again.agent_id() == id);
  CHECK(again.stream() != stream);

  rig.files.content("agent_id") = "nonsense";
  NetworkPublisher healed(rig.settings, rig.ring, rig.clock, rig.server, rig.files);
  CHECK(healed.agent_id().size() == 36);
  CHECK(healed.agent_id() != id);

  rig.files.clear();
  rig.files.fault = [](std::string_view) { return ENOSPC; };
  NetworkPublisher nameless(rig.settings, rig.ring, rig.clock, rig.server, rig.files);
  CHECK(nameless.agent_id().empty());
  CHECK(rig.said("agent_id cannot be kept"));
}

TEST_CASE("a tick of more samples than a batch may hold becomes several batches") {
  Rig rig;
  rig.tick_and_step(4500);
  rig.run(kSecond);
  CHECK(rig.server.committed.size() == 3);
  CHECK(rig.publisher->stats().samples_acked == 4500);
  CHECK(json::parse(members_of(rig.request(0).body).at(0))["metrics"].size() == 500);
}

TEST_CASE("an empty tick is a heartbeat") {
  Rig rig;
  rig.tick_and_step(0);
  CHECK(json::parse(members_of(rig.last().body).at(0))["metrics"].empty());
  CHECK(rig.publisher->ledger().acked == 1);
}

TEST_CASE("the ledger tells what became of every batch, of earlier runs too") {
  Rig rig({.spool = {.max_bytes = 256U << 10U}});
  rig.server.answer = [](const Request&) { return ModelServer::error(0); };
  rig.run(24 * kHour);
  const PublisherLedger away = rig.publisher->ledger();
  CHECK(away.sealed == rig.ticks);
  CHECK(away.spooled > 0);
  CHECK(away.dropped[static_cast<std::size_t>(LossReason::spool_full)] > 0);

  NetworkPublisher next(rig.settings, rig.ring, rig.clock, rig.server, rig.files);
  const PublisherLedger found = next.ledger();
  CHECK(found == PublisherLedger{.recovered = away.spooled, .spooled = away.spooled});
  rig.server.answer = nullptr;
  for (int i = 0; i < 1000 && next.ledger().spooled > 0; ++i) {
    rig.clock.now += kSecond;
    (void)next.step(rig.clock.now);
  }
  CHECK(next.ledger() == PublisherLedger{.recovered = away.spooled, .acked = away.spooled});
  CHECK(rig.server.committed.size() == away.spooled);
}

TEST_CASE("a spool that was damaged between two runs is in the ledger") {
  Rig rig;
  rig.server.answer = [](const Request&) { return ModelServer::error(0); };
  rig.run(10 * kMinute);
  const std::uint64_t waited = rig.publisher->ledger().spooled;
  std::string& segment = rig.files.content("segment-000000000001");
  segment[segment.size() / 2] ^= '\x01';
  NetworkPublisher next(rig.settings, rig.ring, rig.clock, rig.server, rig.files);
  PublisherLedger expected{.recovered = waited, .spooled = waited - 1, .corrupt_records = 1};
  expected.dropped[static_cast<std::size_t>(LossReason::corrupt)] = 1;
  CHECK(next.ledger() == expected);
}

TEST_CASE("collector thread and publisher thread share the ring") {
  Rig rig({.push_interval = milliseconds(50), .collect_interval = milliseconds(50)});
  constexpr std::uint64_t kBatches = 2000;
  std::atomic<std::uint64_t> lost{0};
  std::atomic<bool> is_done{false};
  std::atomic<bool> is_torn{false};
  auto series = std::make_shared<const SeriesList>(SeriesList{{&kTestMetric, {}}});
  std::thread collector([&] {
    for (std::uint64_t tick = 0; tick < kBatches; ++tick) {
      if (tick % 100 == 0) series = std::make_shared<const SeriesList>(*series);  // a device came or went
      SampleBatch* slot = rig.ring.try_claim();
      if (slot == nullptr) {
        ++lost;
        std::this_thread::yield();
        continue;
      }
      slot->tick = tick;
      slot->series = series;
      slot->samples.assign(3, Sample{0, static_cast<double>(tick)});
      rig.ring.publish();
      if (!is_balanced(rig.publisher->ledger())) is_torn = true;
    }
    is_done = true;
  });
  while (!is_done || rig.ring.size() > 0) {
    rig.clock.now += 50 * kMs;
    (void)rig.publisher->step(rig.clock.now);
  }
  collector.join();
  for (int i = 0; i < 100 && rig.publisher->stats().oldest_ns != 0; ++i) {
    rig.clock.now += kSecond;
    (void)rig.publisher->step(rig.clock.now);
  }
  CHECK_FALSE(is_torn);
  CHECK(rig.publisher->ledger().sealed == kBatches - lost);
  CHECK(rig.server.committed.size() + lost == kBatches);
  CHECK(rig.publisher->stats().samples_acked + 3 * lost == 3 * kBatches);
}
