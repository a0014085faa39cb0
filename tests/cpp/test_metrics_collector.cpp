#include "sysmon/metrics_collector.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "allocations.hpp"
#include "sysmon/agent_metrics.hpp"
#include "sysmon/registry.hpp"
#include "temp_tree.hpp"

using namespace sysmon;
using namespace std::chrono_literals;

namespace {

MetricsCollectorOptions tree_options(const std::string& tree) {
  MetricsCollectorOptions options;
  options.root = ProcRoot(std::string(SYSMON_FIXTURES) + "/" + tree);
  return options;
}

// Every sample of a batch by "type{tag,tag}".
std::map<std::string, double> values(const SampleBatch& batch) {
  std::map<std::string, double> found;
  for (const Sample& sample : batch.samples) {
    const Series& series = (*batch.series)[sample.series];
    std::string key(series.metric->name);
    for (std::size_t i = 0; i < series.tags.size(); ++i) key += (i == 0 ? "{" : ",") + series.tags[i].value;
    if (!series.tags.empty()) key += "}";
    CHECK(found.emplace(key, sample.value).second);  // no series twice in a batch
  }
  return found;
}

}  // namespace

TEST_CASE("registry: names are unique, well formed and explained") {
  std::set<std::string_view> names;
  for (const MetricInfo* metric : metrics()) {
    CAPTURE(metric->name);
    CHECK(names.insert(metric->name).second);
    CHECK(metric->name.find('.') != std::string_view::npos);
    CHECK(metric->name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.") == std::string_view::npos);
    CHECK_FALSE(metric->help.empty());
    CHECK_FALSE(metric->source.empty());
    CHECK(find_metric(metric->name) == metric);
    if (metric->family() == "agent") {
      CHECK(collector_of(*metric) == nullptr);
    } else {
      CHECK(collector_of(*metric) != nullptr);
    }
  }
  CHECK(find_metric("no.such") == nullptr);
  for (const CollectorInfo* collector : collectors()) {
    CAPTURE(collector->name);
    CHECK((collector->make == nullptr) != (collector->make_slow == nullptr));
  }
  for (const std::string_view name :
       {"cpu.total_usage", "memory.used_bytes", "disk.usage_percent", "network.bytes_sent"}) {
    CHECK(find_metric(name) != nullptr);  // fixed for ever
  }
}

TEST_CASE("metrics collector: a pair of trees brings its own clock, and rates") {
  MetricsCollector collector(tree_options("hotplug"));
  const SampleBatch first = collector.sample();
  CHECK(first.tick == 0);
  CHECK(first.boottime_ms == 20'000'000);
  CHECK(first.wall_ms == 1'761'000'000'000 + 20'000'000);
  CHECK_FALSE(values(first).contains("cpu.total_usage"));
  CHECK(values(first).contains("memory.used_bytes"));
  const SampleBatch second = collector.sample();
  CHECK(second.tick == 1);
  CHECK(second.wall_ms - first.wall_ms == 10'000);
  CHECK(values(second).contains("cpu.total_usage"));
  CHECK(values(second).at("diskio.utilization_percent{sdd}") == 1);
  CHECK(values(second).at("agent.collector_up{cpu}") == 1);
  CHECK_FALSE(values(second).contains("agent.cpu_percent"));  // of this process, not of that host
  // No time passes in t1 any more: no rates.
  CHECK_FALSE(values(collector.sample()).contains("cpu.total_usage"));
}

TEST_CASE("metrics collector: every recorded host is read, and what it lacks has a reason") {
  const std::map<std::string, std::size_t> least = {
      {"vm", 200}, {"manycore", 250}, {"container", 100}, {"kernel310", 100}, {"hotplug", 100}};
  for (const auto& [tree, count] : least) {
    CAPTURE(tree);
    MetricsCollector collector(tree_options(tree));
    (void)collector.sample();
    const auto found = values(collector.sample());
    CHECK(found.size() >= count);
    for (const std::string family : {"cpu", "load", "memory", "swap", "diskio", "network", "tcp", "kernel"}) {
      CAPTURE(family);
      CHECK(found.contains("agent.collector_up{" + family + "}"));
    }
  }
  MetricsCollector old(tree_options("kernel310"));
  CHECK(values(old.sample()).at("agent.collector_up{pressure,not_found}") == 0);
}

TEST_CASE("metrics collector: one that fails is told on change, and the others go on") {
  TempTree tree;
  tree.write("/proc/uptime", "100.00 1\n");
  tree.write("/proc/loadavg", "1 2 3 1/1 1\n");
  tree.write("/proc/meminfo", "MemTotal: x kB\n");
  MetricsCollectorOptions options;
  options.root = tree.root();
  options.metrics = {{}, {"*"}};
  options.metrics.disable = {"cpu",    "pressure",  "swap",    "diskio",  "network", "tcp",
                             "kernel", "disk",      "process", "systemd", "sensor",  "battery",
                             "raid",   "conntrack", "time",    "system"};
  MetricsCollector collector(options);
  std::vector<std::string> told;
  collector.on_status([&](const CollectorStatus& status) {
    told.push_back(std::string(status.name) + (status.up ? " up" : " down"));
  });
  auto found = values(collector.sample());
  CHECK(found.at("load.avg1") == 1);
  CHECK(found.at("agent.collector_up{memory,malformed}") == 0);
  CHECK(told == std::vector<std::string>{"memory down", "vmstat down"});
  (void)collector.sample();
  CHECK(told.size() == 2);
  tree.write("/proc/meminfo", "MemTotal: 10 kB\nMemAvailable: 5 kB\n");
  found = values(collector.sample());
  CHECK(found.at("memory.usage_percent") == 50);
  CHECK(found.at("agent.collector_up{memory}") == 1);
  CHECK_FALSE(found.contains("agent.collector_up{memory,malformed}"));
  CHECK(told.back() == "memory up");
  for (const CollectorStatus& status : collector.status()) {
    if (status.name == "memory") CHECK(status.errors == 2);
  }
}

TEST_CASE("metrics collector: a family that is switched off is not read") {
  MetricsCollectorOptions options = tree_options("vm");
  options.metrics.disable = {"*"};
  MetricsCollector collector(options);
  CHECK(collector.sample().samples.empty());
  CHECK(collector.status().empty());
}

TEST_CASE("metrics collector: others may add to a tick") {
  MetricsCollector collector(tree_options("hotplug"));
  collector.on_tick([](const Tick& tick, SampleSink& out) {
    out.emit(out.series(agent_metric::kQueueBytes), static_cast<double>(tick.number) + 10);
  });
  (void)collector.sample();
  CHECK(values(collector.sample()).at("agent.queue_bytes") == 11);
}

TEST_CASE("metrics collector: after the first ticks nothing is allocated") {
  const auto check = [](MetricsCollectorOptions options) {
    std::size_t samples = 0;
    MetricsCollector collector(std::move(options));
    SampleBatch kept;
    collector.on_batch([&](const SampleBatch& batch) {
      kept = batch;
      samples = batch.samples.size();
    });
    for (int i = 0; i < 3; ++i) (void)collector.sample();
    for (int i = 0; i < 2; ++i) (void)collector.sample(0ms);
    CHECK(allocations_of([&] {
            for (int i = 0; i < 20; ++i) (void)collector.sample(0ms);
          }) == 0);
    CHECK(samples > 50);
  };
  for (const std::string tree : {"vm", "manycore", "container", "kernel310"}) {
    CAPTURE(tree);
    check(tree_options(tree));
    MetricsCollectorOptions all = tree_options(tree);
    all.metrics.enable = {"*"};
    check(std::move(all));
  }
  check({});  // this machine
}

TEST_CASE("metrics collector: the thread ticks on its grid, takes another interval and stops") {
  MetricsCollectorOptions options = tree_options("hotplug");
  options.interval = 50ms;
  options.metrics.disable = {"disk", "process", "systemd", "sensor", "battery", "raid", "system"};
  MetricsCollector collector(options);
  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t ticks = 0;
  collector.on_batch([&](const SampleBatch& batch) {
    const std::lock_guard lock(mutex);
    ticks = batch.tick + 1;
    changed.notify_all();
  });
  const auto wait_for = [&](std::uint64_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, 20s, [&] { return ticks >= count; });
  };
  collector.start();
  CHECK(wait_for(3));
  collector.set_interval(1h);
  collector.set_interval(50ms);  // wakes the thread from the long wait
  CHECK(wait_for(6));
  collector.set_interval(1h);
  collector.stop();  // does not wait for the hour
  CHECK_FALSE(collector.status().empty());
}
