#include "history.hpp"

#include <charconv>
#include <cstdlib>
#include <memory>
#include <unordered_set>

#include "host.hpp"
#include "model_server.hpp"
#include "network.hpp"
#include "violation.hpp"

namespace sysmon::sim {
namespace {

using test::kHour;
using test::kMinute;
using test::kMs;
using test::kSecond;
using What = Event::What;

constexpr std::int64_t kHealLimit = kHour;  // until everything is delivered once nothing is broken any more
constexpr std::int64_t kCloneLife = 2 * kHour;

std::string short_name(const Id128& stream, std::uint64_t seq) {
  return to_text(stream).substr(0, 8) + ":" + std::to_string(seq);
}

// The number that follows `key` in `text`.
double number_after(std::string_view text, std::string_view key, std::size_t& from) {
  from = text.find(key, from);
  if (from == std::string_view::npos) throw Violation(Kind::corrupt, "a batch without " + std::string(key));
  from += key.size();
  double value = 0;
  std::from_chars(text.data() + from, text.data() + text.size(), value);
  return value;
}

class History {
 public:
  History(const Schedule& schedule, std::uint64_t seed, Sabotage sabotage, const Trace& trace)
      : schedule_(schedule), sabotage_(sabotage), random_(seed), time_(schedule.events) {
    time_.clock.now = history_start();
    time_.clock.booted_at = time_.clock.now - kHour;
    if (trace) {
      time_.trace = [this, trace](const std::string& line) {
        char when[32];
        const std::int64_t ms = (time_.now() - history_start()) / kMs;
        (void)std::snprintf(when, sizeof when, "%3lld:%02lld:%02lld.%03lld ",
                            static_cast<long long>(ms / 3'600'000), static_cast<long long>(ms / 60'000 % 60),
                            static_cast<long long>(ms / 1000 % 60), static_cast<long long>(ms % 1000));
        trace(when + line);
      };
    }
    server_.stored = [this](const Push& push, std::uint64_t digest, std::string_view text) {
      take_stored(push, digest, text);
    };
    time_.happen = [this](const Event& event) { happen(event); };
    network_ = std::make_unique<Network>(time_, server_, random_.fork(), sabotage);
    host_ = std::make_unique<Host>(time_, *network_, ticks_, schedule.settings, random_.fork(), sabotage);
    host_->keeps_snapshots = schedule.is_resumed;
  }

  Figures play() {
    while (!is_over_) turn();
    heal();
    finish_host();
    if (schedule_.is_cloned || schedule_.is_resumed) play_copy();
    figures_.histories = 1;
    figures_.hours = static_cast<double>(time_.now() - history_start()) / static_cast<double>(kHour);
    figures_.ticks = ticks_.size();
    figures_.faults = schedule_.events.size() - 1;
    figures_.stored = server_.batches();
    figures_.duplicates = server_.duplicates();
    figures_.conflicts = server_.conflicts();
    figures_.requests = network_->requests();
    figures_.failures = network_->failures();
    figures_.most_failures_a_minute = network_->most_failures_a_minute();
    return figures_;
  }

 private:
  void turn() {
    if (schedule_.is_cloned && clone_.segments().empty() && time_.now() > history_start() + 3 * kHour) {
      clone_.copy_from(host_->disk);
    }
    const bool was_running = host_->is_running();
    host_->turn();
    if (host_->is_running() != was_running) link_changed();
    check_fresh();
    if (is_draining_ && host_->is_drained()) {
      is_draining_ = false;
      figures_.longest_drain = std::max(figures_.longest_drain, time_.now() - healed_at_);
    }
  }

  // ---- what the timeline tells ----

  void happen(const Event& event) {
    if (event.what == What::end) {
      is_over_ = true;
      return;
    }
    if (event.what == What::watch) server_.watch_s = 60;
    if (event.what == What::link) {
      server_.watch_s = 0;
      fault_ = event.link;
      network_->begin(event);
      link_changed();
    }
    host_->happen(event);
  }

  // ---- I5: the newest sample is visible within two intervals of the link's return ----

  void link_changed() {
    is_fresh_due_ = fault_ == LinkFault::none && host_->is_running();
    is_draining_ = is_fresh_due_;
    healed_at_ = time_.now();
  }

  void check_fresh() {
    if (!is_fresh_due_) return;
    if (newest_made_at_ >= healed_at_) {
      is_fresh_due_ = false;
      ++figures_.heals;
      figures_.longest_heal = std::max(figures_.longest_heal, newest_stored_at_ - healed_at_);
      return;
    }
    // A request that hung when the link came back may hang on for its fifteen seconds, and so may a disk. A pause
    // that the server has asked for is kept.
    const std::int64_t grace = 16 * kSecond + 10 * kSecond;
    const std::int64_t from = std::max({healed_at_, network_->pause_until(), host_->stalled_until()});
    if (time_.now() > from + 2 * host_->push_interval().count() * kMs + grace) {
      throw Violation(Kind::error, "the link is good again, and no fresh sample comes");
    }
  }

  // ---- what the server stores ----

  void take_stored(const Push& push, std::uint64_t digest, std::string_view text) {
    std::size_t at = 0;
    const double boottime_ms = number_after(text, "\"boottime_ms\":", at);
    const double tick = number_after(text, "\"value\":", at);
    if (tick < 0 || tick >= static_cast<double>(ticks_.size()))
      throw Violation(Kind::corrupt, "a tick of nobody");
    const auto number = static_cast<std::size_t>(tick);
    for (std::size_t series = 1; series < kMetrics.size(); ++series) {
      if (number_after(text, "\"value\":", at) != tick_value(number, series)) {
        throw Violation(Kind::corrupt, "tick " + std::to_string(number) + " has another value");
      }
    }
    TickFate& fate = ticks_[number];
    // Under a second number only where the first one was taken by somebody else, or seemed to be; the aggregator
    // then stores the sample once, for it has the same time.
    if (++fate.stored > 1 + resealed(digest)) {
      throw Violation(Kind::duplicates, "tick " + std::to_string(number) + " is stored twice");
    }
    if (fate.made_at > newest_made_at_) {
      newest_made_at_ = fate.made_at;
      newest_stored_at_ = time_.now();
    }
    check_time(push, fate, static_cast<std::int64_t>(boottime_ms));
  }

  // How often these bytes got another number, of this host and of the one that it is a copy of.
  [[nodiscard]] std::uint64_t resealed(std::uint64_t digest) const {
    return host_->ledger.resealed(digest) + (original_ ? original_->ledger.resealed(digest) : 0);
  }

  // P11: the time of arrival less the age on the boot-time clock is the true time, whatever the wall clock says.
  // What a late delivery adds is the link's, and a transfer's time is not known to the server.
  void check_time(const Push& push, const TickFate& fate, std::int64_t boottime_ms) {
    if (fate.booted_at != time_.clock.booted_at) return;
    const std::int64_t sent_boottime_ms =
        std::strtoll(push.now.data() + push.now.rfind(';') + 1, nullptr, 10);
    const std::int64_t sent_at = sent_boottime_ms * kMs + time_.clock.booted_at;
    const std::int64_t made_at = sent_at - (sent_boottime_ms - boottime_ms) * kMs;
    const std::int64_t error_ms = std::abs(made_at - fate.made_at) / kMs;
    figures_.time_error_ms = std::max(figures_.time_error_ms, error_ms);
    if (error_ms > 1000)
      throw Violation(Kind::error, "a stamp is off by " + std::to_string(error_ms) + " ms");
  }

  // ---- the end ----

  // Nothing is broken any more: everything that waits arrives, by itself; what is sealed meanwhile at the latest with
  // the last push.
  void heal() {
    happen({.what = What::link});
    host_->happen({.what = What::disk});
    server_.watch_s = 0;
    const std::int64_t from = time_.now();
    while (!host_->is_drained_but_for(from)) {
      // A machine that is off heals nothing until somebody turns it on.
      const std::int64_t until = std::max(from, host_->start_at()) + kHealLimit;
      if (time_.now() > until) throw Violation(Kind::error, "it does not heal: " + what_waits());
      turn();
    }
  }

  [[nodiscard]] std::string what_waits() const {
    if (!host_->is_running()) return "the process does not run";
    const Spool& spool = host_->publisher().spool();
    return std::to_string(spool.size()) + " batches and " + std::to_string(spool.drops()) + " drops wait";
  }

  void finish_host() {
    while (!host_->shut_down()) heal();
    check_conservation();
    const Host::Counts& counts = host_->counts();
    figures_.sealed += host_->ledger.sealed();
    figures_.starts += counts.starts;
    figures_.kills += counts.kills;
    figures_.power_losses += counts.power_losses;
    figures_.damages += counts.damages;
    figures_.ring_full += counts.ring_full;
    figures_.longest_step = std::max(figures_.longest_step, counts.longest_step);
    figures_.latest_tick = std::max(figures_.latest_tick, counts.latest_tick);
  }

  // P12, per stream and number: committed, or declared; exempt is only what docs/delivery.md exempts.
  void check_conservation() {
    const auto resealed = settled_digests();
    for (const auto& [name, entries] : host_->ledger.streams()) {
      const auto known = server_.streams().find(name);
      const Account account{name, entries, known == server_.streams().end() ? nullptr : &known->second};
      const std::size_t end = account.end();
      for (std::size_t seq = 1; seq < end; ++seq) check_batch(account, seq, resealed);
    }
  }

  // One stream, as the disk and the server know it.
  struct Account {
    const Id128& name;
    const Ledger::Stream& entries;
    const ModelServer::Stream* known;

    // nullptr: it was never on the disk.
    [[nodiscard]] const Ledger::Entry* sealed(std::size_t seq) const {
      return seq < entries.size() && entries[seq].digest != 0 ? &entries[seq] : nullptr;
    }
    // nullptr: the server never heard of it.
    [[nodiscard]] const ModelServer::Seq* there(std::size_t seq) const {
      return known != nullptr && seq < known->size() ? &(*known)[seq] : nullptr;
    }
    // A number that is left out lies below one that was used.
    [[nodiscard]] std::size_t end() const {
      std::size_t end = std::max(entries.size(), known == nullptr ? 0 : known->size());
      const auto is_used = [&](std::size_t seq) {
        return sealed(seq) != nullptr || (there(seq) != nullptr && there(seq)->digest != 0);
      };
      while (end > 1 && !is_used(end - 1)) --end;
      return end;
    }
  };

  // Bytes that are settled under some number: a batch may live on under another one.
  [[nodiscard]] std::unordered_set<std::uint64_t> settled_digests() const {
    std::unordered_set<std::uint64_t> settled;
    if (host_->ledger.resealed() == 0) return settled;  // nobody asks
    for (const auto& [name, seqs] : server_.streams()) {
      for (std::size_t seq = 1; seq < seqs.size(); ++seq) {
        const Ledger::Entry* const sealed = host_->ledger.find(name, seq);
        if (seqs[seq].digest != 0) settled.insert(seqs[seq].digest);
        if (seqs[seq].is_declared && sealed != nullptr) settled.insert(sealed->digest);
      }
    }
    return settled;
  }

  void check_batch(const Account& account, std::uint64_t seq,
                   const std::unordered_set<std::uint64_t>& settled) {
    const Id128& stream = account.name;
    const Ledger::Entry* const sealed = account.sealed(seq);
    const ModelServer::Seq* const there = account.there(seq);
    const bool is_stored = there != nullptr && there->digest != 0;
    if (is_stored && there->is_denied) {
      throw Violation(Kind::duplicates, short_name(stream, seq) + " is stored, and was declared lost later");
    }
    if (sealed != nullptr && is_stored && there->digest == sealed->digest) return;
    if (sealed == nullptr) {
      if (is_stored || (there != nullptr && there->is_declared)) return;  // it only ever lay in memory
      if (host_->cut_streams().contains(to_text(stream))) return;
      throw Violation(Kind::undeclared_lost, short_name(stream, seq) + " was left out and nobody was told");
    }
    if (sealed->is_excused) {
      ++figures_.excused;
      return;
    }
    // Under another number: the old one is a copy's.
    if (sealed->is_resealed && settled.contains(sealed->digest)) return;
    if (is_stored) throw Violation(Kind::corrupt, short_name(stream, seq) + " is stored with other bytes");
    if (there != nullptr && there->is_declared) {
      ++figures_.declared;
      return;
    }
    if (there != nullptr && there->acked != 0) {
      throw Violation(Kind::acked_lost, short_name(stream, seq) + " was acknowledged and is not there");
    }
    throw Violation(Kind::undeclared_lost, short_name(stream, seq) + " is neither stored nor declared");
  }

  // ---- F40: a copy of the state directory, and a snapshot of the whole machine ----

  void play_copy() {
    // Of what an original that has gone on for longer has sent, the server no longer knows the bytes.
    if (schedule_.is_resumed && server_.find(parse_id128(host_->last_stream()), kKnownDigests) != nullptr)
      return;
    time_.say(schedule_.is_resumed ? "the machine's snapshot is resumed" : "a copy of the machine starts");
    original_ = std::move(host_);
    host_ =
        std::make_unique<Host>(time_, *network_, ticks_, original_->settings(), random_.fork(), sabotage_);
    host_->disk.copy_from(schedule_.is_resumed ? original_->snapshot() : clone_);
    if (schedule_.is_resumed) host_->resume_with(original_->process_random());
    const std::int64_t until = time_.now() + kCloneLife;
    while (time_.now() < until) turn();
    heal();
    finish_host();
  }

  const Schedule& schedule_;
  Sabotage sabotage_;
  test::Splitmix random_;
  Timeline time_;
  Ticks ticks_;
  ModelServer server_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Host> host_;
  std::unique_ptr<Host> original_;  // once its copy goes on
  test::CrashFiles clone_;
  Figures figures_;
  bool is_over_ = false;
  LinkFault fault_ = LinkFault::none;
  bool is_fresh_due_ = false;
  bool is_draining_ = false;
  std::int64_t healed_at_ = 0;
  std::int64_t newest_made_at_ = 0;
  std::int64_t newest_stored_at_ = 0;
};

}  // namespace

std::int64_t history_start() { return test::kDay; }

Figures play(const Schedule& schedule, std::uint64_t seed, Sabotage sabotage, const Trace& trace) {
  return History(schedule, seed, sabotage, trace).play();
}

void Figures::add(const Figures& more) {
  histories += more.histories;
  hours += more.hours;
  ticks += more.ticks;
  sealed += more.sealed;
  stored += more.stored;
  declared += more.declared;
  excused += more.excused;
  duplicates += more.duplicates;
  conflicts += more.conflicts;
  requests += more.requests;
  failures += more.failures;
  faults += more.faults;
  starts += more.starts;
  kills += more.kills;
  power_losses += more.power_losses;
  damages += more.damages;
  heals += more.heals;
  longest_heal = std::max(longest_heal, more.longest_heal);
  longest_drain = std::max(longest_drain, more.longest_drain);
  longest_step = std::max(longest_step, more.longest_step);
  latest_tick = std::max(latest_tick, more.latest_tick);
  ring_full += more.ring_full;
  most_failures_a_minute = std::max(most_failures_a_minute, more.most_failures_a_minute);
  time_error_ms = std::max(time_error_ms, more.time_error_ms);
}

}  // namespace sysmon::sim
