#include "spool_trials.hpp"

#include <cerrno>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "crash_files.hpp"
#include "ledger.hpp"
#include "splitmix.hpp"
#include "spool_damage.hpp"
#include "sysmon/spool.hpp"
#include "violation.hpp"
#include "virtual_clock.hpp"

namespace sysmon::sim {
namespace {

using test::kMs;
using test::kSecond;

using Number = std::pair<Id128, std::uint64_t>;

class Trial {
 public:
  Trial(std::uint64_t seed, Sabotage sabotage, const Trace& trace) : random_(seed), trace_(trace) {
    disk_.random = [this] { return random_.next(); };
    disk_.fault = [this](std::string_view call) { return answer(call); };
    disk_.wrote = [this](const std::string& name, std::string_view bytes) {
      ledger_.wrote(name, bytes, clock_.now);
      if (trace_ && name.starts_with("segment")) {
        const auto record = parse_record(bytes);
        say("  wrote " + name_of({record->stream, record->seq}) + " to " + name + " at " +
            std::to_string(clock_.now / kMs));
      }
    };
    disk_.synced = [this](const std::string& name, bool is_good) {
      ledger_.synced(name, is_good, clock_.now);
    };
    disk_.is_sync_real = sabotage != Sabotage::sync_does_nothing;
    disk_.is_names_sync_real = sabotage != Sabotage::names_never_synced;
    if (random_.one_in(3)) options_.sync = SpoolSync::always;
    options_.max_bytes = 2'000 + random_.below(random_.one_in(2) ? 10'000 : 100'000);
    if (random_.one_in(4)) flaky_ = 20 + random_.below(200);
    if (random_.one_in(6)) disk_.capacity = options_.max_bytes / 2 + 9'000;
    most_ = 100 + random_.below(900);
  }

  // Works until it is over or the process ends; true: it has ended.
  bool work(std::int64_t calls) {
    calls_left_ = calls;
    try {
      start();
      for (std::uint64_t i = 20 + random_.below(150); i > 0; --i) act();
    } catch (const test::Killed&) {
      return true;
    }
    return false;
  }

  void lose_power() {
    ++figures_.power_losses;
    say("the power is gone");
    spool_.reset();
    std::int64_t window = options_.sync == SpoolSync::deferred ? kSecond : 0;
    // A process that was killed in its second leaves the sync to the next one.
    if (clock_.now - started_at_ <= kSecond) window += clock_.now - died_at_;
    ledger_.lost_power(clock_.now, window);
    resealed_.clear();  // it may undo the deletion of the old record, and not that of the new one
    calls_left_ = -1;
    auto fault = std::exchange(disk_.fault, nullptr);
    disk_.lose_power();
    disk_.fault = std::move(fault);
    clock_.now += static_cast<std::int64_t>(random_.below(60)) * kSecond;
    clock_.booted_at = died_at_ = clock_.now;
  }

  void kill() {
    ++figures_.kills;
    say("the process is gone");
    spool_.reset();
    died_at_ = clock_.now;
    calls_left_ = -1;
  }

  void damage() {
    spool_.reset();
    resealed_.clear();  // the new record may be touched, or the old record be there once more behind it
    for (const auto& [stream, range] : damage_spool(disk_, random_)) {
      if (trace_) say("touched " + name_of({stream, range.first}) + "-" + std::to_string(range.last));
      for (std::uint64_t seq = range.first; seq <= range.last; ++seq) ledger_.damaged(stream, seq);
    }
  }

  // Everything that was sealed is looked for, by a spool that starts once more.
  SpoolFigures look() {
    disk_.fault = nullptr;
    disk_.capacity = UINT64_MAX;
    calls_left_ = -1;
    start();
    clock_.now += 2 * kSecond;
    spool_->maintain(clock_.mono_ns());
    std::set<Number> waits;
    std::map<std::uint64_t, std::uint64_t> copies;  // of the same bytes
    std::vector<SpooledBatch> bundle;
    std::string bytes;
    while (!spool_->empty()) {
      spool_->bundle(UINT64_MAX, {}, bundle);
      for (const SpooledBatch& batch : bundle) {
        bytes.clear();
        const Number number{parse_id128(batch.stream), batch.seq};
        if (!spool_->read(batch.id, bytes))
          throw Violation(Kind::corrupt, "a batch that waits cannot be read");
        const Ledger::Entry* const sealed = ledger_.find(number.first, number.second);
        if (sealed != nullptr && sealed->digest != digest_of(bytes)) {
          throw Violation(Kind::corrupt, name_of(number) + " has other bytes");
        }
        if (!waits.insert(number).second) throw Violation(Kind::duplicates, name_of(number) + " waits twice");
        const std::uint64_t digest = digest_of(bytes);
        if (++copies[digest] > 1 + ledger_.resealed(digest))
          throw Violation(Kind::duplicates, name_of(number) + " waits under another number, too");
      }
      spool_->acknowledge(bundle);
    }
    check_resealed(waits);
    std::set<Number> declared = declared_;
    note_drops(declared);
    for (const Number& number : waits) {
      if (declared.contains(number) && !declared_.contains(number)) {
        throw Violation(Kind::duplicates, name_of(number) + " waits, and is declared lost");
      }
    }
    check_sealed(waits, declared);
    figures_.trials = 1;
    figures_.sealed = ledger_.sealed();
    return figures_;
  }

 private:
  void start() {
    if (trace_) {
      say("starts");
      for (const std::string& line : describe_spool(disk_)) say(line);
    }
    options_.boot_id =
        "0a0b0c0d-0000-4000-8000-0" + std::to_string(10'000'000'000 + clock_.booted_at / kSecond);
    started_at_ = clock_.now;
    stream_.clear();
    for (int i = 0; i < 32; ++i) stream_ += "0123456789abcdef"[random_.below(16)];
    seq_ = 1;
    spool_.emplace(disk_, clock_, options_,
                   [this](LogLevel, std::string_view line) { say("log: " + std::string(line)); });
  }

  void act() {
    switch (random_.below(16)) {
      default: {
        const std::string payload = draw_payload();
        spool_->append(stream_, seq_++, 3, payload, !random_.one_in(8));
        if (trace_) say("sealed " + stream_.substr(0, 8) + ":" + std::to_string(seq_ - 1));
        break;
      }
      case 9:
      case 10:
        pass(random_.between(0, 3'000) * kMs);
        break;
      case 11:
      case 12: {
        BundleLimits limits;
        limits.batches = 1 + random_.below(30);
        spool_->bundle(UINT64_MAX, limits, bundle_);
        acknowledge();
        break;
      }
      case 13:
        if (spool_->empty()) break;
        bundle_.assign(1, spool_->newest());
        acknowledge();
        break;
      case 14:
        if (spool_->empty()) break;
        if (random_.one_in(2)) {
          if (trace_) say("quarantine " + std::to_string(spool_->oldest().seq));
          (void)spool_->quarantine(spool_->oldest().id);
        } else if (spool_->takes_batches()) {
          if (trace_) say("reseal " + std::to_string(spool_->oldest().seq) + " as " + std::to_string(seq_));
          const SpooledBatch oldest = spool_->oldest();
          const Number old{parse_id128(oldest.stream), oldest.seq};
          const Number anew{parse_id128(stream_), seq_++};
          if (spool_->reseal(oldest.id, stream_, anew.second)) resealed_[old] = anew;
        }
        break;
      case 15:
        if (spool_->drops() == 0) break;
        const std::string of(spool_->drop(0).stream);
        if (trace_) say("declared drops of " + of.substr(0, 8));
        for (std::size_t i = 0; i < spool_->drops(); ++i) {
          const DeclaredDrop drop = spool_->drop(i);
          if (drop.stream != of) continue;
          note_drop(drop, declared_);
          if (trace_)
            say("  " + std::to_string(drop.range.first) + "-" + std::to_string(drop.range.last) + " " +
                std::string(to_string(drop.reason)));
        }
        spool_->forget_drops(of, spool_->drops());
        break;
    }
  }

  std::string draw_payload() {
    std::string payload = "batch " + std::to_string(random_.next());
    payload.append(random_.below(most_), static_cast<char>('a' + random_.below(26)));
    return payload;
  }

  // Time, in which the publisher's thread comes back whenever the spool wants it to.
  void pass(std::int64_t duration) {
    const std::int64_t end = clock_.now + duration;
    for (;;) {
      const std::int64_t next = spool_->maintain(clock_.mono_ns());
      const std::int64_t until = next > end ? end : std::max(next + clock_.booted_at, clock_.now + kMs);
      if (clock_.now >= end) return;
      clock_.now = std::min(until, end);
    }
  }

  // The aggregator has them; whatever happens from here on.
  void acknowledge() {
    for (const SpooledBatch& batch : bundle_) acked_.insert({parse_id128(batch.stream), batch.seq});
    if (trace_ && !bundle_.empty()) {
      say("acked " + std::string(bundle_.front().stream.substr(0, 8)) + ":" +
          std::to_string(bundle_.front().seq) + "-" + std::to_string(bundle_.back().seq));
    }
    spool_->acknowledge(bundle_);
  }

  // A number that was given up for another one, which is there, does not come back with the next process.
  void check_resealed(const std::set<Number>& waits) const {
    for (const auto& [old, anew] : resealed_) {
      if (!waits.contains(old) || (!waits.contains(anew) && !acked_.contains(anew))) continue;
      throw Violation(Kind::duplicates, name_of(old) + " waits, and lives on as " + name_of(anew));
    }
  }

  void check_sealed(const std::set<Number>& waits, const std::set<Number>& declared) {
    std::set<std::uint64_t> known;  // what a batch with another number may live on as
    std::vector<Number> resealed;
    for (const auto& [stream, entries] : ledger_.streams()) {
      for (std::size_t seq = 1; seq < entries.size(); ++seq) {
        const Ledger::Entry& entry = entries[seq];
        const Number number{stream, seq};
        if (entry.digest == 0) continue;
        if (acked_.contains(number) || waits.contains(number)) {
          known.insert(entry.digest);
        } else if (declared.contains(number)) {
          ++figures_.declared;
          known.insert(entry.digest);
        } else if (entry.is_excused) {
          ++figures_.excused;
          // What a power loss may take is no new number to give the old one up for.
          if (entry.is_damaged) known.insert(entry.digest);
        } else if (entry.is_resealed) {
          resealed.push_back(number);
        } else {
          throw Violation(Kind::undeclared_lost, name_of(number) + " neither waits nor is it declared");
        }
      }
    }
    for (const Number& number : resealed) {
      if (known.contains(ledger_.find(number.first, number.second)->digest)) continue;
      throw Violation(Kind::undeclared_lost, name_of(number) + " was sealed anew and is nowhere");
    }
  }

  static void note_drop(const DeclaredDrop& drop, std::set<Number>& into) {
    for (std::uint64_t seq = drop.range.first; seq <= drop.range.last; ++seq) {
      into.insert({parse_id128(drop.stream), seq});
    }
  }

  void note_drops(std::set<Number>& into) const {
    for (std::size_t i = 0; i < spool_->drops(); ++i) note_drop(spool_->drop(i), into);
  }

  int answer(std::string_view call) {
    if (calls_left_ >= 0 && --calls_left_ <= 0) return test::kKilled;
    const int failed = flaky_ > 0 && random_.one_in(flaky_) ? EIO : 0;
    if (trace_ && (failed != 0 || call.starts_with("sync")))
      say("  " + std::string(call) + (failed != 0 ? " fails" : ""));
    return failed;
  }

  static std::string name_of(const Number& number) {
    return to_text(number.first).substr(0, 8) + ":" + std::to_string(number.second);
  }

  void say(const std::string& line) const {
    if (trace_) trace_(line);
  }

  test::Splitmix random_;
  const Trace& trace_;
  test::VirtualClock clock_;
  test::CrashFiles disk_;
  SpoolOptions options_;
  std::optional<Spool> spool_;
  Ledger ledger_;
  SpoolFigures figures_;
  std::set<Number> acked_;
  std::map<Number, Number>
      resealed_;               // since the last power loss: the old number, and what it was given up for
  std::set<Number> declared_;  // and the aggregator knows
  std::vector<SpooledBatch> bundle_;
  std::string stream_;
  std::uint64_t seq_ = 1;
  std::uint64_t most_ = 0;   // bytes of a payload
  std::uint64_t flaky_ = 0;  // one call in so many fails
  std::int64_t calls_left_ = -1;
  std::int64_t started_at_ = 0;
  std::int64_t died_at_ = 0;
};

}  // namespace

SpoolFigures play_power_loss(std::uint64_t seed, Sabotage sabotage, const Trace& trace) {
  test::Splitmix random(seed * 2 + 1);
  Trial trial(seed, sabotage, trace);
  for (std::uint64_t crashes = 1 + random.below(4); crashes > 0; --crashes) {
    (void)trial.work(random.between(1, 300));
    if (random.one_in(4)) {
      trial.kill();
    } else {
      trial.lose_power();
    }
  }
  return trial.look();
}

SpoolFigures play_damage(std::uint64_t seed, const Trace& trace) {
  test::Splitmix random(seed * 2 + 1);
  Trial trial(seed, Sabotage::none, trace);
  for (std::uint64_t starts = 1 + random.below(3); starts > 0; --starts) {
    (void)trial.work(-1);
    trial.kill();
  }
  trial.damage();
  return trial.look();
}

void SpoolFigures::add(const SpoolFigures& more) {
  trials += more.trials;
  power_losses += more.power_losses;
  kills += more.kills;
  sealed += more.sealed;
  excused += more.excused;
  declared += more.declared;
}

}  // namespace sysmon::sim
