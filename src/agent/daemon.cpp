#include "agent/daemon.hpp"

#include <sys/random.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>

#include "agent/exporter.hpp"
#include "agent/host.hpp"
#include "agent/own_metrics.hpp"
#include "agent/service_manager.hpp"
#include "agent/synthetic.hpp"
#include "agent/wakeup.hpp"
#include "sysmon/clock.hpp"
#include "sysmon/facts.hpp"
#include "sysmon/http_client.hpp"
#include "sysmon/log.hpp"
#include "sysmon/metrics_collector.hpp"
#include "sysmon/network_publisher.hpp"

namespace sysmon::agent {
namespace {

using std::chrono::milliseconds;

// A minute of watched ticks: longer than any one request takes.
constexpr std::size_t kRingBatches = 64;
// Of the five seconds that a stop may take: a request under way may have had the first two.
constexpr std::int64_t kLastPushNs = 2'500'000'000;

std::uint64_t random_number() {
  std::uint64_t number = 0;
  // 8 bytes are never cut short; without the system call (an old kernel's sandbox) the time must do.
  if (::getrandom(&number, sizeof number, 0) != sizeof number) {
    number = static_cast<std::uint64_t>(system_clock().mono_ns()) * 0x9e3779b97f4a7c15ULL;
  }
  return number;
}

// Stands in where the state directory cannot be used: the agent works, is known by its host's name, and keeps
// what waits in memory.
class NoFiles final : public Files {
 public:
  explicit NoFiles(Error why) : why_(std::move(why)) {}
  [[nodiscard]] Result<std::string> read(const std::string& /*name*/) override { return why_; }
  [[nodiscard]] Result<void> write(const std::string& /*name*/, std::string_view /*text*/) override {
    return why_;
  }
  [[nodiscard]] Result<std::unique_ptr<File>> open(const std::string& /*name*/, OpenMode /*mode*/) override {
    return why_;
  }
  [[nodiscard]] Result<std::vector<std::string>> list() override { return why_; }
  [[nodiscard]] Result<void> remove(const std::string& /*name*/) override { return why_; }
  [[nodiscard]] Result<void> sync() override { return why_; }

 private:
  Error why_;
};

class Daemon {
 public:
  Daemon(const Options& options, LoadedConfig loaded)
      : options_(options),
        config_(std::move(loaded.config)),
        root_(options.proc_root),
        facts_(root_, config_.devices) {}

  int run() {
    if (const auto failed = prepare()) return *failed;
    start_collector();
    manager_.ready();
    while (!wakeup_.stop()) {
      const std::int64_t next_ns = publisher_->step(system_clock().mono_ns());
      if (wakeup_.take_reload()) {
        manager_.reloading(system_clock().mono_ns());
        reload();
        manager_.ready();
        continue;
      }
      const std::int64_t now_ns = system_clock().mono_ns();
      set_interval(publisher_->wanted_interval(now_ns));
      manager_.watchdog(now_ns, collects(now_ns));
      wakeup_.wait(std::min(next_ns, manager_.due_ns()));
    }
    manager_.stopping();
    collector_.reset();  // joins: nothing comes into the ring any more
    wakeup_.cancel() = false;
    publisher_->flush(system_clock().mono_ns() + kLastPushNs);
    return kOk;
  }

 private:
  // What the start ends with if it fails.
  std::optional<int> prepare() {
    if (const int failed = wakeup_.install(); failed != 0) {
      log_(LogLevel::error, Error::from_errno("eventfd", "eventfd", failed).message());
      return kUnexpected;
    }
    if (const auto failed = open_state()) return failed;
    if (!open_transport()) return kUnexpected;
    phase_ = milliseconds(random_number() % static_cast<std::uint64_t>(config_.push_interval.count()));
    warn_about_plain_http();
    if (!open_exporter()) return kUnexpected;
    publisher_ =
        std::make_unique<NetworkPublisher>(publisher_options(), ring_, system_clock(), *transport_, *files_);
    return std::nullopt;
  }

  std::optional<int> open_state() {
    const std::string path = state_directory(config_, process_environment());
    if (path.empty()) {
      files_ = std::make_unique<NoFiles>(
          Error{Error::Kind::not_found, "spool.dir", "neither it nor HOME is set", 0});
      return std::nullopt;
    }
    auto state = StateDirectory::open(path);
    if (state) {
      files_ = std::move(*state);
      return std::nullopt;
    }
    const Error& error = state.error();
    if (error.kind == Error::Kind::invalid || error.kind == Error::Kind::unavailable) {
      log_(LogLevel::error, error.message());
      return error.kind == Error::Kind::invalid ? kUnsafeFile : kInUse;
    }
    files_ = std::make_unique<NoFiles>(error);  // a full or read-only disk is no reason to be blind
    return std::nullopt;
  }

  bool open_transport() {
    auto client = open_http_client(
        {config_.tls.ca_file, config_.tls.cert_file, config_.tls.key_file, config_.proxy, &wakeup_.cancel()});
    if (!client) {
      log_(LogLevel::error, client.error().message());
      return false;
    }
    old_transport_ = std::move(transport_);
    transport_ = std::move(*client);
    return true;
  }

  bool open_exporter() {
    if (config_.prometheus.listen.empty()) return true;
    auto exporter =
        Exporter::open(config_.prometheus.listen, host_name(config_, root_), config_.collect_interval);
    if (!exporter) {
      log_(LogLevel::error, exporter.error().message());
      return false;
    }
    exporter_ = std::move(*exporter);
    return true;
  }

  void warn_about_plain_http() {
    if (!is_readable_on_the_way(config_.aggregator_url)) return;
    log_(LogLevel::warning,
         "the token goes to " + config_.aggregator_url +
             " unencrypted: whoever is on the way can read it. Use https where that matters");
  }

  PublisherOptions publisher_options() {
    PublisherOptions wanted;
    wanted.aggregator_url = config_.aggregator_url;
    wanted.push_interval = config_.push_interval;
    wanted.collect_interval = config_.collect_interval;
    wanted.phase = phase_;
    wanted.hostname = host_name(config_, root_);
    wanted.host_tags = config_.host_tags;
    if (const auto boot_id = read_boot_id(root_)) wanted.boot_id = *boot_id;
    wanted.compression = config_.compression;
    wanted.spool.max_bytes = config_.spool.max_bytes;
    wanted.spool.max_age = config_.spool.max_age;
    wanted.spool.sync = config_.spool.sync;
    wanted.token = [config = config_] { return read_auth_token(config); };
    wanted.facts = [this] { return std::string_view(facts_.json()); };
    wanted.random = random_number;
    wanted.log = log_;
    return wanted;
  }

  void start_collector() {
    MetricsCollectorOptions wanted;
    wanted.interval = interval_ = config_.collect_interval;
    // Ticks and pushes shift together, so that a push carries what was just collected.
    wanted.phase = phase_ % config_.collect_interval;
    wanted.root = root_;
    wanted.metrics = config_.metrics;
    wanted.devices = config_.devices;
    MetricsCollector::OnTick synthetic;
    if (options_.synthetic) {
      disable_collectors(wanted.metrics);
      synthetic = synthetic_samples(*options_.synthetic, host_name(config_, root_));
    }
    collector_ = std::make_unique<MetricsCollector>(std::move(wanted));
    collector_->on_tick([this, synthetic](const Tick& tick, SampleSink& out) {
      if (synthetic) synthetic(tick, out);
      emit_publisher_metrics(publisher_->stats(), tick, out);
      const std::size_t on_the_way = ring_.size();
      emit_ledger(publisher_->ledger(), on_the_way, out);
    });
    collector_->on_batch([this](const SampleBatch& batch) { take(batch); });
    collector_->on_status([this](const CollectorStatus& status) { say(status); });
    ticked_ns_ = system_clock().mono_ns();
    collector_->start();
  }

  // The collector's thread is not stuck: its last tick, be it a late one, was not long ago.
  [[nodiscard]] bool collects(std::int64_t now_ns) const {
    const auto interval_ns = std::chrono::nanoseconds(interval_).count();
    return now_ns - ticked_ns_ <= 2 * interval_ns + manager_.patience_ns() / 2;
  }

  // Collector thread.
  void take(const SampleBatch& batch) {
    ticked_ns_ = system_clock().mono_ns();
    if (exporter_) exporter_->take(batch);
    SampleBatch* slot = ring_.try_claim();
    if (slot == nullptr) {
      auto& lost = publisher_->stats().samples_dropped[static_cast<std::size_t>(LossReason::ring_full)];
      lost.fetch_add(batch.samples.size(), std::memory_order_relaxed);  // relaxed: a statistic
      return;
    }
    *slot = batch;
    ring_.publish();
    wakeup_.notify();
  }

  // Collector thread.
  void say(const CollectorStatus& status) {
    // What a host does not have looks the same from here as what cannot be read: a fact, not an alarm.
    const std::string name = "collector " + std::string(status.name);
    log_(LogLevel::info, status.up ? name + " reads again" : name + " has nothing: " + status.last_error);
  }

  void set_interval(milliseconds interval) {
    if (interval == interval_) return;
    interval_ = interval;
    collector_->set_interval(interval);
  }

  // The file as it is now; an invalid one changes nothing. The spool goes on in any case.
  void reload() {
    LoadedConfig loaded = load_agent_config(options_.config, process_environment());
    for (const ConfigIssue& issue : loaded.issues) {
      log_(issue.level == ConfigIssue::Level::error ? LogLevel::error : LogLevel::warning, issue.text());
    }
    if (!loaded.ok() || loaded.config.mode != AgentMode::distributed) {
      log_(LogLevel::error, loaded.ok() ? "mode local needs a restart; the old configuration stays"
                                        : "the configuration is not valid; the old one stays");
      return;
    }
    const AgentConfig old = std::exchange(config_, std::move(loaded.config));
    if (old.spool.dir != config_.spool.dir)
      log_(LogLevel::warning, "spool.dir needs a restart; the old one stays");
    if (old.prometheus.listen != config_.prometheus.listen)
      log_(LogLevel::warning, "prometheus.listen needs a restart; the old one stays");
    if (!open_transport()) {
      config_ = old;
      return;
    }
    publisher_->reconfigure(publisher_options(), *transport_);
    old_transport_.reset();
    warn_about_plain_http();
    const bool collects_the_same =
        old.metrics.enable == config_.metrics.enable && old.metrics.disable == config_.metrics.disable &&
        old.devices.ignore_mounts == config_.devices.ignore_mounts &&
        old.devices.ignore_interfaces == config_.devices.ignore_interfaces &&
        old.devices.ignore_devices == config_.devices.ignore_devices && old.hostname == config_.hostname;
    if (!collects_the_same) {
      collector_.reset();
      start_collector();
    }
    log_(LogLevel::info, "the configuration was read again");
  }

  const Options options_;
  AgentConfig config_;
  const ProcRoot root_;
  const Log log_ = stderr_log();
  Wakeup wakeup_;
  ServiceManager manager_{process_environment()};
  FactsReader facts_;
  RingBuffer<SampleBatch> ring_{kRingBatches};
  std::unique_ptr<Files> files_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<Transport> old_transport_;  // until the publisher has let go of it
  milliseconds phase_{0};
  milliseconds interval_{0};
  std::atomic<std::int64_t> ticked_ns_{0};  // the collector's last tick; tells the watchdog nothing but that
  std::unique_ptr<Exporter> exporter_;
  std::unique_ptr<NetworkPublisher> publisher_;
  std::unique_ptr<MetricsCollector> collector_;  // last: its thread uses all of the above
};

}  // namespace

int run_daemon(const Options& options, LoadedConfig loaded) {
  return Daemon(options, std::move(loaded)).run();
}

}  // namespace sysmon::agent
