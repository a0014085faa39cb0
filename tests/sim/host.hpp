// Host: a machine with a disk, clocks and an agent on it: the real sink, ring and publisher in the daemon's loop
// (src/agent/daemon.cpp), started and killed as the schedule says.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "core/tick_schedule.hpp"
#include "crash_files.hpp"
#include "ledger.hpp"
#include "network.hpp"
#include "sabotage.hpp"
#include "schedule.hpp"
#include "splitmix.hpp"
#include "sysmon/collector.hpp"
#include "sysmon/network_publisher.hpp"
#include "sysmon/ring_buffer.hpp"
#include "ticks.hpp"
#include "timeline.hpp"

namespace sysmon::sim {

class Host {
 public:
  Host(Timeline& time, Network& network, Ticks& ticks, const Settings& settings, test::Splitmix random,
       Sabotage sabotage);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // One turn of the daemon's loop, or the start of the process; returns early when it is killed.
  void turn();
  // Takes part in what the timeline tells. May throw test::Killed.
  void happen(const Event& event);
  // SIGTERM, and no more starts. False: killed within its last push, or that was not enough: there is one more.
  [[nodiscard]] bool shut_down();

  [[nodiscard]] bool is_running() const { return agent_ != nullptr; }
  [[nodiscard]] bool is_drained() const;
  // Likewise, but for what was sealed after `from` and waits for its turn: there is always some where ticks are more
  // frequent than pushes.
  [[nodiscard]] bool is_drained_but_for(std::int64_t from) const;
  [[nodiscard]] const std::string& last_stream() const {
    return last_stream_;
  }  // of the process that ended last
  [[nodiscard]] std::int64_t start_at() const { return start_at_; }  // of the latest start, or the next
  [[nodiscard]] std::int64_t stalled_until() const { return stalled_until_; }
  [[nodiscard]] const NetworkPublisher& publisher() const;
  [[nodiscard]] std::chrono::milliseconds push_interval() const { return settings_.push_interval; }
  // Streams that ended while the disk was in trouble: what only lay in memory is gone with the process.
  [[nodiscard]] const std::set<std::string>& cut_streams() const { return cut_streams_; }

  // Settings and random numbers of another host that is a copy of this one.
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] test::Splitmix process_random() const { return process_random_; }
  void resume_with(test::Splitmix random) { resumed_ = random; }

  test::CrashFiles disk;
  Ledger ledger;
  bool keeps_snapshots = false;
  [[nodiscard]] const test::CrashFiles& snapshot() const { return snapshot_; }

  struct Counts {
    std::uint64_t ticks = 0;
    std::uint64_t ring_full = 0;
    std::uint64_t starts = 0;
    std::uint64_t kills = 0;
    std::uint64_t power_losses = 0;
    std::uint64_t damages = 0;
    std::uint64_t reloads = 0;
    std::int64_t longest_step = 0;                      // virtual: how long the publisher's thread was away
    std::int64_t latest_tick = 0;                       // the most that a tick came after it was due
    std::array<std::uint64_t, kLossReasons> dropped{};  // batches
  };
  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  struct Agent;
  void start();
  void die();
  void end_process();
  void forget_agent();
  void damage_spool();
  void tick();
  int answer(std::string_view call);
  void settle_all();
  [[nodiscard]] PublisherOptions options();
  [[nodiscard]] std::uint64_t next_random();

  Timeline& time_;
  Network& network_;
  Ticks& ticks_;
  Settings settings_;
  test::Splitmix random_;
  test::Splitmix process_random_{0};  // as it was when the process started
  test::Splitmix publisher_random_{0};
  std::optional<test::Splitmix> resumed_;
  Sabotage sabotage_;
  test::CrashFiles snapshot_;  // of the disk when the process started
  std::unique_ptr<Agent> agent_;
  Counts counts_;
  std::set<std::string> cut_streams_;

  DiskFault disk_fault_ = DiskFault::none;
  std::int64_t flaky_ = 0;
  bool was_disk_in_trouble_ = false;  // since the start of the process
  std::int64_t stalled_until_ = 0;

  Event death_{};                 // what is to end the process
  std::int64_t calls_left_ = -1;  // until then; -1: nothing is
  bool is_ticking_ = false;
  bool is_starting_ = false;
  std::int64_t died_at_ = 0;
  std::int64_t start_at_ = 0;
  std::string last_stream_;
  std::int64_t started_at_ = 0;
  bool must_reload_ = false;
  bool must_stop_ = false;
  bool is_left_ = false;  // something waited when the process ended
  std::int64_t reload_number_ = 0;
};

}  // namespace sysmon::sim
