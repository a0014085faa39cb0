// A publisher with a virtual clock, a model of the aggregator and files in memory: three days pass in a
// second.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "crash_files.hpp"
#include "gzip_members.hpp"
#include "splitmix.hpp"
#include "sysmon/network_publisher.hpp"
#include "virtual_clock.hpp"

namespace sysmon::test {

using nlohmann::json;
using std::chrono::milliseconds;

// A request as it arrived.
struct Request {
  std::int64_t time = 0;
  std::string url;
  std::map<std::string, std::string> headers;
  std::string body;
  milliseconds timeout{0};
  std::uint64_t first = 0;
  std::uint64_t last = 0;

  [[nodiscard]] std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

// The gzip members of a body, inflated.
inline std::vector<std::string> members_of(const std::string& body) {
  GzipMembers members;
  CHECK(members.split(body));
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < members.size(); ++i) texts.push_back(members[i].text);
  return texts;
}

// Commits what it gets, as the aggregator does, unless `answer` says otherwise.
class ModelServer final : public Transport {
 public:
  explicit ModelServer(VirtualClock& clock) : clock_(clock) {}

  [[nodiscard]] HttpReply post(const HttpRequest& sent) override {
    Request request;
    request.time = clock_.now;
    request.url = sent.url;
    request.body = sent.body;
    request.timeout = sent.timeout;
    for (const std::string& line : sent.headers) {
      const std::size_t colon = line.find(": ");
      REQUIRE(colon != std::string::npos);
      request.headers[line.substr(0, colon)] = line.substr(colon + 2);
    }
    const std::string seq = request.header("X-SysMon-Seq");
    const std::size_t hyphen = seq.find('-');
    request.first = std::stoull(seq);
    request.last = hyphen == std::string::npos ? request.first : std::stoull(seq.substr(hyphen + 1));
    clock_.now += latency;
    requests.push_back(request);
    if (answer) {
      if (auto reply = answer(request)) return *reply;
    }
    return commit(request);
  }

  // What a healthy aggregator does with it.
  HttpReply commit(const Request& request) {
    const std::string stream = request.header("X-SysMon-Stream");
    bool is_duplicate = true;
    for (std::uint64_t seq = request.first; seq <= request.last; ++seq) {
      const std::string name = stream + ":" + std::to_string(seq);
      if (committed.insert({name, clock_.now}).second) is_duplicate = false;
    }
    if (!is_duplicate && !request.header("X-SysMon-Dropped").empty()) {
      declared.push_back(request.header("X-SysMon-Dropped"));
    }
    return ack(request, is_duplicate);
  }

  static HttpReply ack(const Request& request, bool is_duplicate = false, int watch_s = 0, int rejected = 0) {
    const json body = {{"status", "ok"},
                       {"stream", request.header("X-SysMon-Stream")},
                       {"acked", {request.first, request.last}},
                       {"duplicate", is_duplicate},
                       {"rejected", rejected},
                       {"watch_s", watch_s}};
    return {200, "", body.dump(), ""};
  }

  static HttpReply error(int status, const std::string& code = "", const std::string& retry_after = "") {
    const std::string body =
        code.empty() ? "<html>no</html>" : json{{"error", {{"code", code}, {"message", "no"}}}}.dump();
    return {status, "", body, retry_after};
  }

  std::function<std::optional<HttpReply>(const Request&)> answer;  // nullopt: commit
  std::vector<Request> requests;
  std::map<std::string, std::int64_t> committed;  // "stream:seq" -> when
  std::vector<std::string> declared;
  std::int64_t latency = 0;

 private:
  VirtualClock& clock_;
};

// The conservation law, on the agent's side.
inline bool is_balanced(const PublisherLedger& ledger) {
  std::uint64_t gone = ledger.acked + ledger.spooled;
  for (const std::uint64_t dropped : ledger.dropped) gone += dropped;
  return ledger.sealed + ledger.recovered == gone;
}

inline const MetricInfo kTestMetric{.name = "test.value"};

// Ticks, publishes and lets time pass.
class Rig {
 public:
  explicit Rig(PublisherOptions options = {}) : server(clock), ring(64) {
    settings = std::move(options);
    settings.aggregator_url = "http://central:9000";
    settings.hostname = "web01";
    settings.boot_id = "a-boot";
    settings.token = [this]() -> Result<std::string> { return token; };
    settings.random = [this] { return random_.next(); };
    settings.log = [this](LogLevel, std::string_view line) { lines.emplace_back(line); };
    publisher = std::make_unique<NetworkPublisher>(settings, ring, clock, server, files);
    start = clock.now;
    next_tick = clock.now;
  }

  void tick(std::size_t samples = 3) {
    SampleBatch batch;
    batch.wall_ms = clock.wall_ms();
    batch.boottime_ms = clock.boottime_ms();
    batch.tick = ticks++;
    batch.series = series;
    for (std::size_t i = 0; i < samples; ++i) batch.samples.push_back({0, static_cast<double>(batch.tick)});
    CHECK(ring.try_push(batch));
  }

  // One tick now and as many steps as it takes to have nothing left to do now.
  void tick_and_step(std::size_t samples = 3) {
    tick(samples);
    settle();
  }

  void settle() {
    for (int steps = 0; publisher->step(clock.now) <= clock.now; ++steps) REQUIRE(steps < 200);
    CHECK(is_balanced(publisher->ledger()));
  }

  // `duration` passes: a tick every interval, steps when the publisher wants them.
  void run(std::int64_t duration) {
    const std::int64_t end = clock.now + duration;
    std::int64_t steps = 0;
    while (clock.now < end) {
      if (clock.now >= next_tick) {
        tick();
        next_tick += settings.collect_interval.count() * kMs;
      }
      const std::int64_t wake = publisher->step(clock.now);
      REQUIRE(is_balanced(publisher->ledger()));
      REQUIRE(++steps < 40 + duration / (50 * kMs));  // no hot loop
      clock.now = std::max(clock.now, std::min({wake, next_tick, end}));
    }
  }

  [[nodiscard]] std::size_t requests() const { return server.requests.size(); }
  [[nodiscard]] const Request& request(std::size_t i) const { return server.requests.at(i); }
  [[nodiscard]] const Request& last() const { return server.requests.back(); }
  // Seconds since the start at which request `i` came.
  [[nodiscard]] double at(std::size_t i) const { return static_cast<double>(request(i).time - start) / 1e9; }
  [[nodiscard]] std::uint64_t dropped(LossReason reason) const {
    return publisher->stats().samples_dropped[static_cast<std::size_t>(reason)];
  }
  [[nodiscard]] bool said(std::string_view part) const {
    for (const std::string& line : lines) {
      if (line.find(part) != std::string::npos) return true;
    }
    return false;
  }

  VirtualClock clock;
  ModelServer server;
  CrashFiles files;
  RingBuffer<SampleBatch> ring;
  PublisherOptions settings;
  std::string token = "secret";
  std::vector<std::string> lines;
  std::unique_ptr<NetworkPublisher> publisher;
  std::int64_t start = 0;
  std::int64_t next_tick = 0;
  std::uint64_t ticks = 0;

 private:
  Splitmix random_{42};
  std::shared_ptr<const SeriesList> series = std::make_shared<SeriesList>(SeriesList{{&kTestMetric, {}}});
};

}  // namespace sysmon::test
