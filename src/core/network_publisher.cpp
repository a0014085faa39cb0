#include "sysmon/network_publisher.hpp"

#include <algorithm>
#include <mutex>
#include <optional>
#include <vector>

#include "core/agent_identity.hpp"
#include "core/link_report.hpp"
#include "core/push_headers.hpp"
#include "core/push_reply.hpp"
#include "core/retry_policy.hpp"
#include "core/sealer.hpp"

namespace sysmon {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNothingToDo = 3600 * kSecond;
constexpr std::int64_t kBacklogSpacing = kSecond / 10;  // at most ten requests a second
constexpr milliseconds kWatchInterval{1000};
constexpr milliseconds kRequestTimeout{15'000};
constexpr milliseconds kLeastTimeout{100};
constexpr nanoseconds kRecoverySpread = std::chrono::seconds{1};
constexpr std::size_t kMaxBundle = 64;
constexpr int kInvalidInARow = 3;
constexpr int kFlushRequests = 10;

nanoseconds to_ns(milliseconds duration) { return duration; }

}  // namespace

struct NetworkPublisher::Impl {
  Impl(PublisherOptions given, RingBuffer<SampleBatch>& the_ring, const Clock& the_clock,
       Transport& the_transport, Files& files)
      : options(std::move(given)),
        ring(the_ring),
        clock(the_clock),
        transport(&the_transport),
        retry(options.random),
        spool(files, clock, spool_options(), options.log),
        sealer(spool, make_stream(options.random)),
        link(options) {
    auto id = read_or_make_agent_id(files, options.random);
    if (id) {
      agent_id = *id;
    } else {
      options.log(LogLevel::warning,
                  "agent_id cannot be kept, the host is known by its name: " + id.error().message());
    }
    if (!spool.empty()) {  // all of it is backlog: the live lane is for what this run sees
      live_tried_id = backlog_up_to = spool.newest().id;
      options.log(LogLevel::info, std::to_string(spool.size()) + " batches of earlier runs are to be sent");
    }
    publish_ledger();
    apply_options();
  }

  [[nodiscard]] SpoolOptions spool_options() const {
    SpoolOptions wanted = options.spool;
    wanted.boot_id = options.boot_id;
    return wanted;
  }

  void apply_options() {
    url = options.aggregator_url + "/api/metrics";
    sealer.configure(options, agent_id);
    spool.set_options(spool_options());
    read_token();
  }

  // True when it is another token than before.
  bool read_token() {
    const auto read = options.token();
    if (!read || *read == token) return false;
    token = *read;
    return true;
  }

  void seal_ring(std::int64_t now_ns) {
    ring.drain([&](const SampleBatch& batch) {
      ledger.sealed += sealer.seal(batch, now_ns);
      publish_ledger();
      count(stats.samples_collected, batch.samples.size());
      sealed_ns = now_ns;
    });
    maintain_spool(now_ns);
  }

  void maintain_spool(std::int64_t now_ns) {
    const bool had_live = has_live();
    const std::uint64_t recovered = spool.counters().recovered_batches;
    spool_due_ns = spool.maintain(now_ns);
    if (spool.counters().recovered_batches == recovered) return;
    // Batches of earlier runs have come to light: backlog, all but the newest one if it was not tried yet.
    live_tried_id = backlog_up_to = spool.empty() ? 0 : spool.newest().id - (had_live ? 1 : 0);
    publish_ledger();
  }

  // ---- when ----

  [[nodiscard]] bool is_watched(std::int64_t now_ns) const { return now_ns < watch_until_ns; }

  [[nodiscard]] milliseconds wanted_interval(std::int64_t now_ns) const {
    return is_watched(now_ns) ? std::min(options.collect_interval, kWatchInterval) : options.collect_interval;
  }

  [[nodiscard]] std::int64_t push_interval_ns(std::int64_t now_ns) const {
    const milliseconds interval =
        is_watched(now_ns) ? std::min(options.push_interval, kWatchInterval) : options.push_interval;
    return to_ns(interval).count();
  }

  [[nodiscard]] std::int64_t live_at() const { return std::max(live_due_ns, retry.live_not_before()); }

  // A batch that has just come may go a little early: ticks lie on the collector's grid, and a push that
  // waited for its own would carry an older sample every time.
  [[nodiscard]] bool is_live_due(std::int64_t now_ns) const {
    const bool is_fresh = sealed_ns == now_ns;
    return now_ns >= std::max(is_fresh ? live_due_ns - live_slack_ns : live_due_ns, retry.live_not_before());
  }

  [[nodiscard]] bool has_live() const { return !spool.empty() && spool.newest().id > live_tried_id; }

  [[nodiscard]] std::int64_t backlog_at() const {
    return std::max(backlog_due_ns, retry.backlog_not_before());
  }

  // Whatever is older than the newest batch tried alone; what came since waits for its slot.
  [[nodiscard]] bool has_batches_behind() const {
    return !spool.empty() && spool.oldest().id <= backlog_up_to;
  }

  // A drop of a stream that has ended goes with that stream's last batches, or else alone.
  [[nodiscard]] std::optional<DeclaredDrop> orphaned_drop() const {
    for (std::size_t i = 0; i < spool.drops(); ++i) {
      const DeclaredDrop drop = spool.drop(i);
      if (drop.stream != sealer.stream()) return drop;
    }
    return std::nullopt;
  }

  [[nodiscard]] bool has_backlog() const { return has_batches_behind() || orphaned_drop().has_value(); }

  [[nodiscard]] std::int64_t next_wakeup(std::int64_t now_ns) const {
    std::int64_t next = std::min(now_ns + kNothingToDo, spool_due_ns);
    if (has_live()) next = std::min(next, live_at());
    if (has_backlog()) next = std::min(next, backlog_at());
    if (retry.is_refused()) next = std::min(next, token_check_ns);
    if (is_watched(now_ns)) next = std::min(next, watch_until_ns);
    return next;
  }

  [[nodiscard]] std::int64_t live_slack(std::int64_t now_ns) const {
    return std::min(push_interval_ns(now_ns) / 4, to_ns(wanted_interval(now_ns)).count() / 2);
  }

  void advance_live(std::int64_t now_ns) {
    const std::int64_t interval = push_interval_ns(now_ns);
    if (!has_pushed && options.phase.count() > 0) {
      live_due_ns = now_ns + to_ns(options.phase).count();  // exactly then: it is what spreads a fleet
      live_slack_ns = 0;
    } else {
      live_due_ns = now_ns + interval;
      live_slack_ns = live_slack(now_ns);
    }
    has_pushed = true;
  }

  // ---- sending ----

  std::int64_t step(std::int64_t now_ns) {
    seal_ring(now_ns);
    if (retry.is_refused() && now_ns >= token_check_ns) look_for_new_token(now_ns);
    const bool is_backlog_due = has_backlog() && now_ns >= backlog_at();
    // Where a request lasts as long as the push interval, live is always due: the lanes take turns.
    if (has_live() && is_live_due(now_ns) && !(is_backlog_due && is_backlogs_turn)) {
      send_live(now_ns, kRequestTimeout);
    } else if (is_backlog_due) {
      send_backlog(now_ns, kRequestTimeout);
    }
    const std::int64_t after_ns = clock.mono_ns();
    publish_stats(after_ns);
    return next_wakeup(after_ns);
  }

  void look_for_new_token(std::int64_t now_ns) {
    token_check_ns = now_ns + push_interval_ns(now_ns);
    if (!read_token()) return;
    options.log(LogLevel::info, "the token has changed; trying again");
    retry.forget();
  }

  void send_live(std::int64_t now_ns, milliseconds timeout) {
    batches.assign(1, spool.newest());
    is_bundle = false;
    live_tried_id = backlog_up_to = batches.front().id;
    advance_live(now_ns);
    is_backlogs_turn = false;
    send_batches(timeout);
    // What held this push up, a slow disk, holds up the next one.
    live_due_ns += std::max<std::int64_t>(0, sent_ns - now_ns);
    is_backlogs_turn = is_backlogs_turn || link.is_up();
  }

  void send_backlog(std::int64_t now_ns, milliseconds timeout) {
    backlog_due_ns = now_ns + kBacklogSpacing;
    is_backlogs_turn = false;
    if (has_batches_behind()) {
      BundleLimits limits;
      limits.batches = bundle_limit;
      spool.bundle(backlog_up_to, limits, batches);
      is_bundle = true;
      send_batches(timeout);
    } else {
      send_drops(timeout);
    }
    // Likewise, the next one keeps its distance from when this one went out.
    backlog_due_ns = std::max(backlog_due_ns, sent_ns + kBacklogSpacing);
  }

  // One request with `batches`.
  void send_batches(milliseconds timeout) {
    const SeqRange range{batches.front().seq, batches.back().seq};
    body.clear();
    for (const SpooledBatch& batch : batches) {
      if (auto read = spool.read(batch.id, body); !read) {
        options.log(LogLevel::warning, "a batch cannot be read back: " + read.error().message());
        return;
      }
    }
    // What is acknowledged at once need not be synced; over a link that did not work a moment ago nothing is.
    if (link.is_down()) spool.sync_now(clock.mono_ns());
    begin_headers(batches.front().stream, batches.front().is_gzip);  // after it: they tell the time
    headers.add_seq(range);
    const std::size_t drops = headers.add_drops(spool, batches.front().stream);
    const HttpReply reply = post(timeout);
    take(read_push_reply(reply, batches.front().stream, range, clock.wall_ms()), drops);
  }

  // One request that only says what will never come of a stream that has ended.
  void send_drops(milliseconds timeout) {
    batches.clear();
    const std::string stream(orphaned_drop()->stream);
    begin_headers(stream, false);
    const std::size_t drops = headers.add_drops(spool, stream);
    body = sealer.heartbeat(clock.wall_ms(), clock.boottime_ms());
    const HttpReply reply = post(timeout);
    take(read_push_reply(reply, stream, std::nullopt, clock.wall_ms()), drops, stream);
  }

  // A reply may take its fifteen seconds, and a batch is safe after one.
  HttpReply post(milliseconds timeout) {
    sent_ns = clock.mono_ns();
    return transport->post({url, headers.lines(), body, timeout, &sync_while_waiting});
  }

  void begin_headers(std::string_view stream, bool is_gzip) {
    headers.begin();
    headers.add("Content-Type", "application/json");
    if (is_gzip) headers.add("Content-Encoding", "gzip");
    headers.add("X-SysMon-Token", token);
    headers.add("X-SysMon-Stream", stream);
    headers.add_now(clock, options.boot_id);
  }

  // ---- replies ----

  // The reply to the request with `batches` (none where it only declared drops) and the first `drops` drops of
  // their stream.
  void take(const PushReply& reply, std::size_t drops, std::string_view drops_stream = {}) {
    const std::int64_t now_ns = clock.mono_ns();
    using enum PushReply::Verdict;
    if (reply.verdict != acked) count(stats.send_failures, 1);
    switch (reply.verdict) {
      case acked:
        take_ack(reply, drops, batches.empty() ? drops_stream : batches.front().stream, now_ns);
        break;
      case unknown:
        fail(reply, now_ns);
        break;
      case overloaded:
        take_overload(reply, now_ns);
        break;
      case refused:
        refuse(reply, now_ns);
        break;
      case invalid:
      case too_big:
        take_invalid(reply, now_ns);
        break;
      case conflict:
        take_conflict(reply, now_ns);
        break;
    }
  }

  // The one reply that tells a bundle from a live batch, a sixty-fourth of its work.
  void take_overload(const PushReply& reply, std::int64_t now_ns) {
    if (batches.size() > 1 && link.is_up()) {
      retry.bundle_overloaded(now_ns, reply.retry_after);
      return;
    }
    retry.overloaded(now_ns, reply.retry_after);
    link.failing(reply, now_ns);
    // It may be the holes below it that a live batch is refused for, and then the backlog is what helps.
    is_backlogs_turn = !is_bundle && !batches.empty();
  }

  void fail(const PushReply& reply, std::int64_t now_ns) {
    retry.failed(now_ns);
    link.failing(reply, now_ns);
  }

  void take_ack(const PushReply& reply, std::size_t drops, std::string_view stream, std::int64_t now_ns) {
    std::uint64_t samples = 0;
    for (const SpooledBatch& batch : batches) samples += batch.samples;
    const std::uint64_t rejected = std::min(reply.rejected, samples);
    count(stats.samples_acked, samples - rejected);
    count(stats.samples_dropped[static_cast<std::size_t>(LossReason::rejected)], rejected);
    ledger.acked += batches.size();
    // relaxed: a statistic.
    stats.last_ack_ns.store(now_ns, std::memory_order_relaxed);
    // A duplicate may have been answered before the rest of the request was looked at: the drops are said again.
    if (!reply.duplicate && drops > 0) spool.forget_drops(stream, drops);
    // Only a bundle tells what bundles may hold: were a live batch enough, one that is poisoned would never be alone.
    if (is_bundle && batches.size() >= bundle_limit) bundle_limit = std::min(bundle_limit * 2, kMaxBundle);
    spool.acknowledge(batches);
    invalid_in_a_row = 0;
    new_streams_in_a_row = 0;
    if (!link.is_up()) {
      link.up(now_ns, spool.size());
      // A fleet that waited for the same aggregator does not start to drain in the same instant.
      backlog_due_ns = std::max(backlog_due_ns, now_ns + retry.jitter(kRecoverySpread));
    }
    is_bundle ? retry.bundle_succeeded() : retry.succeeded();
    const bool was_watched = is_watched(now_ns);
    if (reply.watch.count() > 0) watch_until_ns = now_ns + nanoseconds(reply.watch).count();
    if (!was_watched && is_watched(now_ns)) {
      live_due_ns = std::min(live_due_ns, now_ns + push_interval_ns(now_ns));
      live_slack_ns = std::min(live_slack_ns, live_slack(now_ns));
    }
  }

  // These bytes will never be taken. In a bundle it may be one of many: smaller bundles find it.
  void take_invalid(const PushReply& reply, std::int64_t now_ns) {
    if (halve_bundle()) return;
    if (batches.empty() || invalid_in_a_row >= kInvalidInARow) {
      // Not a bad batch but a fault of the system, which must not eat the spool.
      refuse(reply, now_ns);
      return;
    }
    ++invalid_in_a_row;
    const std::uint64_t seq = batches.front().seq;
    if (auto taken = spool.quarantine(batches.front().id); !taken) return retry.failed(now_ns);
    options.log(LogLevel::warning,
                "batch " + std::to_string(seq) + " is given up: the aggregator answers " + reply.detail);
  }

  // False where there is nothing to halve.
  bool halve_bundle() {
    if (batches.size() < 2) return false;
    bundle_limit = batches.size() / 2;
    return true;
  }

  // Somebody else used our numbers: a copy of this machine, resumed from the same snapshot.
  void take_conflict(const PushReply& reply, std::int64_t now_ns) {
    if (halve_bundle()) return;
    if (batches.empty()) return fail(reply, now_ns);
    if (batches.front().stream == sealer.stream()) {
      sealer.start_stream(make_stream(options.random));
      if (++new_streams_in_a_row == 1) {
        options.log(LogLevel::warning,
                    "the aggregator knows other batches by our numbers; starting a new stream");
      }
    }
    if (new_streams_in_a_row > 1) retry.failed(now_ns);  // no such reply may become a hot loop
    if (!spool.takes_batches()) return retry.failed(now_ns);
    if (auto resealed = spool.reseal(batches.front().id, sealer.stream(), sealer.take_seq()); !resealed)
      return retry.failed(now_ns);
    if (!spool.empty()) backlog_up_to = spool.newest().id;
  }

  void refuse(const PushReply& reply, std::int64_t now_ns) {
    retry.refused(now_ns);
    token_check_ns = now_ns + push_interval_ns(now_ns);
    if (read_token()) {  // it was changed while we used the old one
      retry.forget();
      return;
    }
    link.refused(reply, now_ns);
  }

  // ---- counters ----

  static void count(std::atomic<std::uint64_t>& counter, std::uint64_t by) {
    counter.fetch_add(by, std::memory_order_relaxed);  // relaxed: a statistic
  }

  void publish_stats(std::int64_t now_ns) {
    constexpr auto kRelaxed = std::memory_order_relaxed;  // statistics
    stats.queue_bytes.store(spool.payload_bytes(), kRelaxed);
    stats.oldest_ns.store(spool.empty() ? 0 : now_ns - to_ns(milliseconds(spool.oldest_age_ms())).count(),
                          kRelaxed);
    for (const LossReason reason :
         {LossReason::spool_full, LossReason::too_old, LossReason::quarantined, LossReason::corrupt}) {
      const auto which = static_cast<std::size_t>(reason);
      stats.samples_dropped[which].store(spool.counters().dropped_samples[which], kRelaxed);
    }
    publish_ledger();
  }

  void publish_ledger() {
    ledger.recovered = spool.counters().recovered_batches;
    ledger.spooled = spool.size();
    ledger.dropped = spool.counters().dropped_batches;
    ledger.corrupt_records = spool.counters().corrupt_records;
    const std::scoped_lock lock(ledger_mutex);
    published_ledger = ledger;
  }

  PublisherOptions options;
  RingBuffer<SampleBatch>& ring;
  const Clock& clock;
  Transport* transport;
  RetryPolicy retry;
  Spool spool;
  Sealer sealer;
  LinkReport link;
  PublisherStats stats;
  PublisherLedger ledger;
  mutable std::mutex
      ledger_mutex;  // held for a copy, never for network or disk: the collector's thread waits for it
  PublisherLedger published_ledger;

  std::string agent_id;
  std::string token;
  std::string url;

  std::uint64_t live_tried_id = 0;  // the newest batch the live lane has tried
  std::uint64_t backlog_up_to = 0;  // the backlog lane may send up to this one
  bool has_pushed = false;
  std::int64_t sealed_ns = 0;    // when the newest batch was
  std::int64_t live_due_ns = 0;  // the first push is at once
  std::int64_t live_slack_ns = 0;
  std::int64_t backlog_due_ns = 0;
  std::int64_t sent_ns = 0;       // when the last request went out
  bool is_backlogs_turn = false;  // the last request was live's, and came through or was too much
  std::int64_t token_check_ns = 0;
  std::int64_t watch_until_ns = 0;
  std::int64_t spool_due_ns = 0;
  std::size_t bundle_limit = kMaxBundle;
  int invalid_in_a_row = 0;
  int new_streams_in_a_row = 0;

  const std::function<milliseconds()> sync_while_waiting = [this] {
    const std::int64_t due_ns = spool.sync_if_due(clock.mono_ns());
    return std::chrono::ceil<milliseconds>(nanoseconds(std::min(due_ns - clock.mono_ns(), kSecond)));
  };
  PushHeaders headers;
  std::vector<SpooledBatch> batches;  // of the request under way
  bool is_bundle = false;             // they are of the backlog lane
  std::string body;
};

NetworkPublisher::NetworkPublisher(PublisherOptions options, RingBuffer<SampleBatch>& ring,
                                   const Clock& clock, Transport& transport, Files& files)
    : impl_(std::make_unique<Impl>(std::move(options), ring, clock, transport, files)) {}

NetworkPublisher::~NetworkPublisher() = default;

std::int64_t NetworkPublisher::step(std::int64_t now_ns) { return impl_->step(now_ns); }

void NetworkPublisher::flush(std::int64_t deadline_ns) {
  Impl& impl = *impl_;
  impl.seal_ring(impl.clock.mono_ns());
  const auto left = [&] {
    const nanoseconds rest(deadline_ns - impl.clock.mono_ns());
    return std::min(kRequestTimeout, std::chrono::duration_cast<milliseconds>(rest));
  };
  // A refusal is not asked again, and after one failure the rest would fail too.
  if (!impl.spool.empty() && !impl.retry.is_refused() && left() >= kLeastTimeout) {
    impl.send_live(impl.clock.mono_ns(), left());
    for (int i = 0; i < kFlushRequests && impl.has_backlog() && impl.link.is_up(); ++i) {
      if (left() < kLeastTimeout) break;
      impl.send_backlog(impl.clock.mono_ns(), left());
    }
  }
  impl.publish_stats(impl.clock.mono_ns());
}

void NetworkPublisher::reconfigure(PublisherOptions options, Transport& transport) {
  Impl& impl = *impl_;
  impl.options = std::move(options);
  impl.transport = &transport;
  impl.token.clear();
  impl.apply_options();
  impl.retry.forget();
  impl.live_due_ns = 0;
  impl.link.forget();
}

milliseconds NetworkPublisher::wanted_interval(std::int64_t now_ns) const {
  return impl_->wanted_interval(now_ns);
}

PublisherStats& NetworkPublisher::stats() { return impl_->stats; }
PublisherLedger NetworkPublisher::ledger() const {
  const std::scoped_lock lock(impl_->ledger_mutex);
  return impl_->published_ledger;
}
const std::string& NetworkPublisher::agent_id() const { return impl_->agent_id; }
const std::string& NetworkPublisher::stream() const { return impl_->sealer.stream(); }
const Spool& NetworkPublisher::spool() const { return impl_->spool; }

}  // namespace sysmon
