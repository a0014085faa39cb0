#include "host.hpp"

#include <cerrno>

#include "core/spool/cursor.hpp"
#include "core/spool/segment_log.hpp"
#include "spool_damage.hpp"
#include "violation.hpp"

namespace sysmon::sim {
namespace {

using std::chrono::milliseconds;
using test::kMinute;
using test::kMs;
using test::kSecond;
using What = Event::What;

constexpr std::size_t kRingBatches = 64;           // as in daemon.cpp
constexpr std::int64_t kLastPushNs = 2'500 * kMs;  // likewise
constexpr std::int64_t kStopLimit = 5 * kSecond;   // delivery: shutdown
// delivery: what a power loss may take.
constexpr std::int64_t kDeferredWindow = kSecond + 100 * kMs;
constexpr std::int64_t kLongestStall = 20 * kSecond;  // of a slow disk
constexpr int kStepsAtOnce = 200;

}  // namespace

struct Host::Agent {
  Agent(Host& host, milliseconds phase)
      : sink(MetricFilter{}),
        publisher(host.options(), ring, host.time_.clock, host.network_, host.disk),
        schedule(host.time_.clock.mono_ns(), host.settings_.collect_interval,
                 phase % host.settings_.collect_interval) {}

  RingBuffer<SampleBatch> ring{kRingBatches};
  SampleSink sink;
  SampleBatch batch;
  std::uint64_t ticks = 0;
  std::vector<std::string> streams;  // mostly one
  std::int64_t last_tick = 0;
  milliseconds interval{0};
  std::int64_t away_since = 0;  // the publisher's thread last looked at the ring then
  NetworkPublisher publisher;   // which may take its time over a slow disk
  TickSchedule schedule;
};

Host::Host(Timeline& time, Network& network, Ticks& ticks, const Settings& settings, test::Splitmix random,
           Sabotage sabotage)
    : time_(time),
      network_(network),
      ticks_(ticks),
      settings_(settings),
      random_(random),
      sabotage_(sabotage) {
  disk.random = [this] { return random_.next(); };
  disk.fault = [this](std::string_view call) { return answer(call); };
  disk.wrote = [this](const std::string& name, std::string_view bytes) {
    ledger.wrote(name, bytes, time_.now());
  };
  disk.synced = [this](const std::string& name, bool is_good) { ledger.synced(name, is_good, time_.now()); };
  disk.is_sync_real = sabotage != Sabotage::sync_does_nothing;
  disk.is_names_sync_real = sabotage != Sabotage::names_never_synced;
  time_.tick = [this] { tick(); };
  network_.before_call = [this] {
    if (is_ticking_) throw Violation(Kind::error, "the tick waits for the network");
    if (sabotage_ == Sabotage::cursor_before_ack) settle_all();
    if (calls_left_ >= 0 && --calls_left_ <= 0) throw test::Killed{};
  };
}

Host::~Host() {
  time_.tick_due = INT64_MAX;
  disk.fault = nullptr;
}

const NetworkPublisher& Host::publisher() const { return agent_->publisher; }

bool Host::is_drained() const {
  if (agent_ == nullptr) return false;
  const Spool& spool = agent_->publisher.spool();
  return spool.empty() && spool.drops() == 0 && spool.is_whole();
}

bool Host::is_drained_but_for(std::int64_t from) const {
  if (agent_ == nullptr) return false;
  const Spool& spool = agent_->publisher.spool();
  if (spool.drops() > 0 || !spool.is_whole()) return false;
  if (spool.empty()) return true;
  return spool.oldest().stream == agent_->publisher.stream() &&
         spool.oldest_age_ms() * kMs < time_.now() - from;
}

std::uint64_t Host::next_random() {
  if (sabotage_ == Sabotage::no_jitter) return 0;
  return publisher_random_.next();
}

PublisherOptions Host::options() {
  PublisherOptions wanted;
  wanted.aggregator_url = Network::kUrl;
  wanted.push_interval = settings_.push_interval;
  wanted.collect_interval = settings_.collect_interval;
  wanted.hostname = "web01";
  wanted.boot_id =
      "0a0b0c0d-0000-4000-8000-0" + std::to_string(10'000'000'000 + time_.clock.booted_at / kSecond);
  wanted.compression = settings_.compression;
  wanted.spool.max_bytes = settings_.max_bytes;
  wanted.spool.max_age = settings_.max_age;
  wanted.spool.sync = settings_.sync;
  wanted.token = [this]() -> Result<std::string> { return network_.token_file; };
  wanted.random = [this] { return next_random(); };
  wanted.log = [this](LogLevel, std::string_view line) {
    if (time_.trace) time_.say("log: " + std::string(line));
  };
  return wanted;
}

// ---- the process ----

void Host::start() {
  ++counts_.starts;
  if (sabotage_ == Sabotage::streams_repeat) random_ = test::Splitmix(7);
  process_random_ = resumed_ ? *resumed_ : random_.fork();
  resumed_.reset();
  publisher_random_ = process_random_;
  network_.forget(settings_.push_interval);
  was_disk_in_trouble_ = disk_fault_ != DiskFault::none;
  must_reload_ = must_stop_ = false;
  started_at_ = time_.now();
  const milliseconds phase(
      publisher_random_.below(static_cast<std::uint64_t>(settings_.push_interval.count())));
  if (keeps_snapshots) snapshot_.copy_from(disk);
  if (time_.trace) {
    for (const std::string& line : describe_spool(disk)) time_.say(line.substr(0, 400));
  }
  is_starting_ = true;
  agent_ = std::make_unique<Agent>(*this, phase);
  is_starting_ = false;
  agent_->interval = settings_.collect_interval;
  agent_->away_since = time_.now();
  time_.tick_due = agent_->schedule.due_ns() + time_.clock.booted_at;
  if (time_.trace) {
    time_.say("started: stream " + agent_->publisher.stream().substr(0, 8) + ", " +
              std::to_string(agent_->publisher.spool().size()) + " batches wait");
  }
}

void Host::turn() {
  try {
    if (!agent_) {
      time_.advance_to_event(start_at_);
      if (time_.now() >= start_at_) start();
      return;
    }
    const std::int64_t began = time_.now();
    std::int64_t next = agent_->publisher.step(time_.clock.mono_ns());
    for (int steps = 0; next <= time_.clock.mono_ns() && time_.now() == began; ++steps) {
      if (steps == kStepsAtOnce)
        throw Violation(Kind::error, "a hot loop: the publisher never wants to wait");
      next = agent_->publisher.step(time_.clock.mono_ns());
    }
    agent_->away_since = time_.now();
    const std::string& stream = agent_->publisher.stream();
    if (agent_->streams.empty() || agent_->streams.back() != stream) agent_->streams.push_back(stream);
    counts_.longest_step = std::max(counts_.longest_step, time_.now() - began);
    if (must_stop_) return end_process();
    if (must_reload_) {
      must_reload_ = false;
      ++counts_.reloads;
      test::Splitmix drawn(static_cast<std::uint64_t>(reload_number_));
      const milliseconds collect = settings_.collect_interval;
      settings_ = draw_settings(drawn);
      settings_.collect_interval = collect;  // another one is another collector: not what is looked at here
      settings_.push_interval = std::max(settings_.push_interval, collect);
      agent_->publisher.reconfigure(options(), network_);
      network_.forget(settings_.push_interval);
      return;
    }
    const milliseconds wanted = agent_->publisher.wanted_interval(time_.clock.mono_ns());
    if (wanted != agent_->interval) {
      agent_->interval = wanted;
      agent_->schedule.set_interval(agent_->last_tick, wanted);
      time_.tick_due = std::max(agent_->schedule.due_ns() + time_.clock.booted_at, time_.now());
    }
    // Until then, or a batch in the ring, or a signal.
    std::int64_t until = std::max(next + time_.clock.booted_at, time_.now());
    if (sabotage_ == Sabotage::live_waits && network_.pause_until() <= time_.now() &&
        network_.failures() % 10 == 1) {
      return time_.advance(time_.now() + 15 * kMinute);
    }
    time_.advance_to_event(std::min(until, time_.tick_due));
  } catch (const test::Killed&) {
    die();
  }
}

// kill -9 and power loss.
void Host::die() {
  const Event death = std::exchange(death_, Event{});
  calls_left_ = -1;
  network_.set_flushing(false);
  is_ticking_ = false;
  const bool was_running = agent_ != nullptr || is_starting_;
  is_starting_ = false;
  forget_agent();
  time_.say(death.what == What::power ? "the power is gone" : "the process is gone");
  if (death.what == What::power) {
    ++counts_.power_losses;
    const bool is_deferred = settings_.sync == SpoolSync::deferred;
    const bool was_stalled = time_.now() < stalled_until_ + kMinute;
    std::int64_t window = (is_deferred ? kDeferredWindow : 0) + (was_stalled ? kLongestStall : 0);
    // A process that was killed in its second leaves the sync to the next one, or to the kernel.
    if (!was_running || time_.now() - started_at_ < 2 * kSecond) window += time_.now() - died_at_;
    if (!was_running && time_.now() - died_at_ > kMinute) {
      disk.write_back();
      ledger.written_back();
    }
    ledger.lost_power(time_.now(), window);
    auto fault = std::exchange(disk.fault, nullptr);
    disk.lose_power();
    disk.fault = std::move(fault);
    time_.clock.booted_at = time_.now();
  } else {
    ++counts_.kills;
  }
  if (death.what == What::damage) damage_spool();
  died_at_ = time_.now();
  start_at_ = time_.now() + std::max<std::int64_t>(death.away_for, 100 * kMs);
}

void Host::forget_agent() {
  time_.tick_due = INT64_MAX;
  if (!agent_) return;
  last_stream_ = agent_->publisher.stream();
  if (was_disk_in_trouble_) {
    cut_streams_.insert(agent_->streams.begin(), agent_->streams.end());
    cut_streams_.insert(agent_->publisher.stream());
  }
  agent_.reset();
}

// SIGTERM, as daemon.cpp takes it.
void Host::end_process() {
  time_.tick_due = INT64_MAX;  // the collector is joined first
  network_.set_flushing(true);
  const std::int64_t began = time_.now();
  agent_->publisher.flush(time_.clock.mono_ns() + kLastPushNs);
  network_.set_flushing(false);
  const std::int64_t stalled = stalled_until_ > began ? 2 * kLongestStall : 0;
  if (time_.now() - began > kStopLimit + stalled) throw Violation(Kind::error, "the last push took too long");
  const std::uint64_t in_ring = agent_->ring.size();
  if (in_ring > 0) throw Violation(Kind::undeclared_lost, "the last push left batches in the ring");
  is_left_ = !is_drained();
  forget_agent();
  calls_left_ = -1;
  died_at_ = time_.now();
  start_at_ = time_.now() + std::max<std::int64_t>(death_.away_for, 100 * kMs);
  death_ = {};
}

bool Host::shut_down() {
  try {
    is_left_ = false;
    if (agent_) end_process();
  } catch (const test::Killed&) {
    die();
    return false;
  }
  if (is_left_) return false;
  start_at_ = INT64_MAX;
  return true;
}

void Host::happen(const Event& event) {
  switch (event.what) {
    case What::disk:
      disk_fault_ = event.disk;
      flaky_ = event.number;
      was_disk_in_trouble_ = was_disk_in_trouble_ || event.disk != DiskFault::none;
      disk.capacity = event.disk == DiskFault::full ? disk.used() : UINT64_MAX;
      break;
    case What::kill:
    case What::power:
    case What::damage:
      if (!agent_ && !is_starting_) {
        if (event.what != What::power) break;
        death_ = event;
        die();
        break;
      }
      death_ = event;
      calls_left_ = event.number;
      if (event.number == 0) throw test::Killed{};
      break;
    case What::stop:
      death_ = event;
      must_stop_ = true;
      break;
    case What::reload:
      must_reload_ = true;
      reload_number_ = event.number;
      break;
    case What::clock:
      time_.clock.wall_offset_ms += event.number;
      break;
    default:
      break;
  }
}

// ---- the collector's thread ----

void Host::tick() {
  Agent& agent = *agent_;
  is_ticking_ = true;
  const std::uint64_t number = ticks_.size();
  ticks_.push_back({time_.now(), time_.clock.booted_at, 0});
  ++counts_.ticks;
  const std::int64_t due = time_.tick_due;
  counts_.latest_tick = std::max(counts_.latest_tick, time_.now() - due);
  if (time_.now() - due > 50 * kMs) throw Violation(Kind::error, "a tick came late");
  agent.batch.tick = agent.ticks++;
  agent.batch.wall_ms = time_.clock.wall_ms();
  agent.batch.boottime_ms = time_.clock.boottime_ms();
  agent.sink.start(agent.batch);
  for (std::size_t i = 0; i < kMetrics.size(); ++i) {
    agent.sink.emit(agent.sink.series(kMetrics[i]), tick_value(number, i));
  }
  agent.sink.finish();
  if (SampleBatch* const slot = agent.ring.try_claim()) {
    *slot = agent.batch;
    agent.ring.publish();
  } else {
    ++counts_.ring_full;
    // A full ring is the publisher's absence for as many ticks, and nothing else.
    const std::int64_t least = static_cast<std::int64_t>(kRingBatches - 1) * 500 * kMs;
    if (time_.now() - agent.away_since < least)
      throw Violation(Kind::error, "the ring is full without a reason");
  }
  agent.last_tick = agent.schedule.due_ns();
  agent.schedule.advance(time_.clock.mono_ns());
  time_.tick_due = agent.schedule.due_ns() + time_.clock.booted_at;
  is_ticking_ = false;
}

// ---- the disk ----

// Sabotage: the cursor goes behind everything that is there.
void Host::settle_all() {
  const auto names = disk.segments();
  if (names.empty()) return;
  Cursor cursor;
  cursor.recover(disk);
  cursor.move(disk, {.segment = segment_number(names.back()), .offset = disk.content(names.back()).size()});
}

int Host::answer(std::string_view call) {
  if (is_ticking_) throw Violation(Kind::error, "the tick waits for the disk");
  if (calls_left_ >= 0 && --calls_left_ <= 0) return test::kKilled;
  const bool is_sync = call == "sync" || call == "sync names";
  int failed = 0;
  if (disk_fault_ == DiskFault::no_sync && is_sync) failed = EIO;
  if (disk_fault_ == DiskFault::full && call == "open" && random_.one_in(8)) failed = ENOSPC;  // no inode
  if (disk_fault_ == DiskFault::flaky && random_.one_in(static_cast<std::uint64_t>(flaky_))) failed = EIO;
  if (disk_fault_ == DiskFault::slow && is_sync && random_.one_in(4)) {
    const std::int64_t stall = random_.between(0, kLongestStall);
    stalled_until_ = std::max(stalled_until_, time_.now() + stall);
    time_.advance(time_.now() + stall);
  }
  return failed;
}

// Damage while nobody runs: what is touched may be lost, and nothing else.
void Host::damage_spool() {
  ++counts_.damages;
  const auto lost = sim::damage_spool(disk, random_);
  for (const auto& [stream, range] : lost) {
    for (std::uint64_t seq = range.first; seq <= range.last; ++seq) ledger.damaged(stream, seq);
  }
}

}  // namespace sysmon::sim
