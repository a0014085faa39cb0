#include <doctest/doctest.h>

#include <set>

#include "sysmon/newest_values.hpp"
#include "sysmon/prometheus.hpp"
#include "sysmon/registry.hpp"

using namespace sysmon;

namespace {

constexpr MetricInfo kOwn{.name = "app.jobs", .help = "a\\b\nc"};

PrometheusName only(std::string_view metric, NameSet names) {
  const auto found = prometheus_names(metric, names);
  REQUIRE(found.size() == 1);
  return found.front();
}

SampleBatch batch_of(std::int64_t wall_ms, const std::shared_ptr<const SeriesList>& list,
                     std::vector<Sample> samples) {
  SampleBatch batch;
  batch.wall_ms = wall_ms;
  batch.series = list;
  batch.samples = std::move(samples);
  return batch;
}

}  // namespace

TEST_CASE("percentages are ratios, counters are totals, unknown metrics have a name too") {
  const PrometheusName usage = only("memory.usage_percent", NameSet::sysmon);
  CHECK(usage.name == "sysmon_memory_usage_ratio");
  CHECK(usage.value_of(42) == 0.42);
  CHECK(only("tcp.retransmits", NameSet::sysmon).name == "sysmon_tcp_retransmits_total");
  const PrometheusName own = only("app.jobs-done", NameSet::both);
  CHECK(own.name == "sysmon_app_jobs_done");
  CHECK(own.kind == "gauge");
  CHECK(prometheus_names("app.jobs", NameSet::node).empty());
}

TEST_CASE("tags are renamed, added and left out as the table says") {
  CHECK(only("network.bytes_sent", NameSet::node).labels_of({{"interface", "eth0"}}, "") ==
        Tags{{"device", "eth0"}});
  const auto names = prometheus_names("cpu.time_seconds", NameSet::node);
  REQUIRE(names.size() == 3);
  const Tags user = {{"core", "0"}, {"mode", "user"}};
  const Tags guest = {{"core", "0"}, {"mode", "guest_nice"}};
  CHECK(names[0].labels_of(user, "") == Tags{{"cpu", "0"}, {"mode", "user"}});
  CHECK_FALSE(names[1].labels_of(user, "").has_value());
  CHECK_FALSE(names[0].labels_of(guest, "").has_value());
  CHECK(names[2].labels_of(guest, "") == Tags{{"cpu", "0"}, {"mode", "nice"}});
  const Tags info = {{"os", "Debian 12"}, {"kernel", "6.1"}, {"arch", "x86_64"}, {"model", "m"}};
  CHECK(prometheus_names("system.info", NameSet::node).front().labels_of(info, "web01") ==
        Tags{{"machine", "x86_64"}, {"nodename", "web01"}, {"release", "6.1"}, {"sysname", "Linux"}});
}

TEST_CASE("a name may take another metric away or add it") {
  const auto names = prometheus_names("swap.total_bytes", NameSet::node);
  REQUIRE(names.size() == 2);
  CHECK(names[1].name == "node_memory_SwapFree_bytes");
  CHECK(names[1].other == "-swap.used_bytes");
  CHECK(names[1].value_of(10, 3) == 7);
  CHECK(prometheus_names("memory.slab_reclaimable_bytes", NameSet::node)[1].value_of(10, 3) == 13);
}

TEST_CASE("keys that Prometheus does not allow as labels are made fit") {
  CHECK(prometheus_label("a.b-c") == "a_b_c");
  CHECK(prometheus_label("__name__") == "name__");
  CHECK(prometheus_label("__") == "_");
  CHECK(prometheus_label("_a") == "_a");
}

TEST_CASE("the page keeps families together, escapes, and has no series twice") {
  PrometheusPage page;
  const PrometheusName name{"app.jobs", "sysmon_app_jobs", "gauge", kOwn.help, ""};
  page.add(name, {{"queue", "a\"b\\c\nd"}}, 1);
  page.add(only("load.avg1", NameSet::sysmon), {}, 0.25);
  page.add(name, {{"queue", "z"}}, 1e300);
  page.add(name, {{"queue", "z"}}, 2);
  CHECK(page.text() ==
        "# HELP sysmon_app_jobs a\\\\b\\nc\n# TYPE sysmon_app_jobs gauge\n"
        "sysmon_app_jobs{queue=\"a\\\"b\\\\c\\nd\"} 1\nsysmon_app_jobs{queue=\"z\"} 1e+300\n"
        "# HELP sysmon_load1 Tasks that run, wait for a CPU or wait for a disk: mean of the last minute.\n"
        "# TYPE sysmon_load1 gauge\nsysmon_load1 0.25\n");
}

TEST_CASE("every metric of the registry has one name of ours, and no two share one by accident") {
  std::set<std::string> names;
  for (const MetricInfo* metric : metrics()) {
    const PrometheusName name = only(metric->name, NameSet::sysmon);
    CHECK(names.insert(name.name + ' ' + std::string(name.changes)).second);
    CHECK_FALSE(name.help.empty());
  }
}

TEST_CASE("the newest values outlive a change of the series and not two missed readings") {
  const MetricInfo* load = find_metric("load.avg1");
  const MetricInfo* disk = find_metric("disk.usage_percent");
  REQUIRE(load != nullptr);
  REQUIRE(disk != nullptr);
  NewestValues values(std::chrono::seconds{10});
  constexpr std::int64_t kNow = 1'800'000'000'000;
  CHECK(values.page(NameSet::sysmon, "h", kNow).empty());
  const auto both = std::make_shared<const SeriesList>(
      SeriesList{{load, {}}, {disk, {{"mountpoint", "/"}, {"device", "sda1"}, {"fstype", "ext4"}}}});
  values.take(batch_of(kNow, both, {{0, 1.5}, {1, 50}}));
  auto turned = std::make_shared<const SeriesList>(SeriesList{(*both)[1], {nullptr, {}}, (*both)[0]});
  values.take(batch_of(kNow + 10'000, turned, {{2, 2.5}}));
  const std::string page = values.page(NameSet::sysmon, "h", kNow + 10'000);
  CHECK(page.find("sysmon_load1 2.5\n") != std::string::npos);
  CHECK(page.find("sysmon_filesystem_usage_ratio{device=\"sda1\",fstype=\"ext4\",mountpoint=\"/\"} 0.5\n") !=
        std::string::npos);
  const std::string later = values.page(NameSet::sysmon, "h", kNow + 40'000);
  CHECK(later.find("sysmon_load1") == std::string::npos);                   // every 10 s
  CHECK(later.find("sysmon_filesystem_usage_ratio") != std::string::npos);  // once a minute
}
