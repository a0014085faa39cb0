#include "sysmon/metrics_collector.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "core/collector_health.hpp"
#include "core/collector_run.hpp"
#include "core/tick_clock.hpp"
#include "core/tick_schedule.hpp"
#include "sysmon/agent_metrics.hpp"
#include "sysmon/registry.hpp"
#include "sysmon/slow_runner.hpp"

namespace sysmon {
namespace {

constexpr std::chrono::milliseconds kMinInterval{50};

}  // namespace

struct MetricsCollector::Impl {
  explicit Impl(MetricsCollectorOptions given)
      : options(std::move(given)),
        steps(options.root.steps()),
        files(steps.front()),
        sink(options.metrics),
        schedule(0, options.interval, options.phase) {
    options.interval = std::max(options.interval, kMinInterval);
    // A slow source is made once, so of a pair it reads the later tree, whose values are the ones that count.
    const CollectorContext context{files, steps.back(), options.devices, options.metrics};
    for (const CollectorInfo* info : collectors()) {
      if (!options.metrics.any_on(info->metrics)) continue;
      if (info->make != nullptr) {
        fast.push_back({CollectorRun(*info, info->make(context)), health.size()});
      } else {
        slow.add(*info, info->make_slow(context));
        slow_health.push_back(health.size());
      }
      health.emplace_back(info->name);
    }
  }

  struct Fast {
    CollectorRun run;
    std::size_t health;  // index
  };

  MetricsCollectorOptions options;
  std::vector<ProcRoot> steps;
  KernelFiles files;
  SampleSink sink;
  std::vector<Fast> fast;
  SlowRunner slow;
  std::vector<std::size_t> slow_health;  // index into `health` of each that `slow` runs
  ProcessUsage usage;
  SampleBatch batch;
  std::uint64_t next_tick = 0;

  OnBatch on_batch;
  OnStatus on_status;
  OnTick on_tick;

  std::mutex health_mutex;  // guards `health` against status(); only the collector thread writes
  std::vector<CollectorHealth> health;

  std::thread thread;
  std::mutex schedule_mutex;  // guards the three below
  std::condition_variable schedule_changed;
  TickSchedule schedule;
  std::int64_t last_tick_ns = 0;
  bool is_stopping = false;

  void record(std::size_t index, double seconds, const Result<void>& result) {
    bool is_changed = false;
    {
      const std::lock_guard lock(health_mutex);
      is_changed = health[index].record(seconds, result);
    }
    // Without the lock: only this thread writes.
    if (is_changed && on_status) on_status(health[index].status());
  }

  // One tick. `slow_wait` of 0: slow sources that are due are started, those that are finished taken over.
  void tick(std::chrono::milliseconds slow_wait) {
    const bool is_snapshot = slow_wait.count() > 0;
    if (next_tick == 1 && steps.size() > 1) {
      files.set_root(steps.back());
    }
    files.next_tick();
    const TickTime time = read_tick_time(files, system_clock());
    const Tick now{next_tick++, time.mono_ns, time.wall_ms};
    batch.tick = now.number;
    batch.wall_ms = time.wall_ms;
    batch.boottime_ms = time.boottime_ms;
    sink.start(batch);

    slow.start(now, is_snapshot);
    std::size_t shed = 0;
    for (Fast& entry : fast) {
      if (const auto outcome = entry.run.collect(now, is_snapshot, sink)) {
        record(entry.health, outcome->seconds, outcome->result);
      }
      if (entry.run.is_shed()) ++shed;
    }
    if (is_snapshot) slow.wait(slow_wait);
    slow.emit(sink, [this](const SlowRunner::Outcome& outcome) {
      record(slow_health[outcome.index], outcome.seconds, outcome.result);
    });

    emit_own(now, shed);
    if (on_tick) on_tick(now, sink);
    sink.finish();
    if (on_batch) on_batch(batch);
  }

  // The agent's own metrics. A recorded tree says nothing of this process, and must give the same output each
  // time.
  void emit_own(const Tick& now, std::size_t shed) {
    if (files.root().is_live()) usage.emit(now, files, sink);
    for (CollectorHealth& entry : health) entry.emit(sink);
    sink.emit(sink.series(agent_metric::kShedCollectors), static_cast<double>(shed));
  }

  void run() {
    std::unique_lock lock(schedule_mutex);
    for (;;) {
      if (is_stopping) return;
      const auto due = std::chrono::steady_clock::time_point(std::chrono::nanoseconds(schedule.due_ns()));
      // Woken before it is due: told to stop, or another interval.
      if (schedule_changed.wait_until(lock, due) == std::cv_status::no_timeout) continue;
      if (is_stopping) return;
      const std::int64_t due_ns = last_tick_ns = schedule.due_ns();
      lock.unlock();
      tick(std::chrono::milliseconds{0});
      lock.lock();
      // Unless set_interval, meanwhile, has said when the next one is due.
      if (schedule.due_ns() == due_ns) schedule.advance(system_clock().mono_ns());
    }
  }
};

MetricsCollector::MetricsCollector(MetricsCollectorOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}

MetricsCollector::~MetricsCollector() { stop(); }

void MetricsCollector::on_batch(OnBatch callback) { impl_->on_batch = std::move(callback); }
void MetricsCollector::on_status(OnStatus callback) { impl_->on_status = std::move(callback); }
void MetricsCollector::on_tick(OnTick callback) { impl_->on_tick = std::move(callback); }

const SampleBatch& MetricsCollector::sample(std::chrono::milliseconds slow_wait) {
  impl_->tick(slow_wait);
  return impl_->batch;
}

void MetricsCollector::start() {
  if (impl_->thread.joinable()) return;
  impl_->is_stopping = false;
  impl_->last_tick_ns = system_clock().mono_ns();
  impl_->schedule = TickSchedule(impl_->last_tick_ns, impl_->options.interval, impl_->options.phase);
  impl_->thread = std::thread([this] { impl_->run(); });
}

void MetricsCollector::stop() {
  {
    const std::lock_guard lock(impl_->schedule_mutex);
    impl_->is_stopping = true;
  }
  impl_->schedule_changed.notify_all();
  if (impl_->thread.joinable()) impl_->thread.join();
}

void MetricsCollector::set_interval(std::chrono::milliseconds interval) {
  {
    const std::lock_guard lock(impl_->schedule_mutex);
    impl_->options.interval = std::max(interval, kMinInterval);
    impl_->schedule.set_interval(impl_->last_tick_ns, impl_->options.interval);
  }
  impl_->schedule_changed.notify_all();
}

std::vector<CollectorStatus> MetricsCollector::status() const {
  const std::lock_guard lock(impl_->health_mutex);
  std::vector<CollectorStatus> statuses;
  for (const CollectorHealth& entry : impl_->health) statuses.push_back(entry.status());
  return statuses;
}

}  // namespace sysmon
