#include "sysmon/network_publisher.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "core/agent_identity.hpp"
#include "core/push_reply.hpp"
#include "core/retry_policy.hpp"
#include "core/send_queue.hpp"

namespace sysmon {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNothingToDo = 3600 * kSecond;
constexpr std::int64_t kBacklogSpacing = kSecond / 10;  // at most ten requests a second
constexpr std::int64_t kFactsEvery = 3600 * kSecond;
constexpr milliseconds kWatchInterval{1000};
constexpr milliseconds kRequestTimeout{15'000};
constexpr milliseconds kLeastTimeout{100};
constexpr nanoseconds kRecoverySpread = std::chrono::seconds{1};
constexpr std::size_t kBatchSamples = 2'000;  // the aggregator's limit of metrics in a batch
constexpr std::size_t kMaxBundle = 64;
constexpr std::size_t kMaxDropsInHeader = 32;
constexpr int kInvalidInARow = 3;
constexpr int kFlushRequests = 10;

nanoseconds to_ns(milliseconds duration) { return duration; }

std::string duration_text(std::int64_t ns) {
  const std::int64_t seconds = ns / kSecond;
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 7200) return std::to_string(seconds / 60) + " min";
  return std::to_string(seconds / 3600) + " h";
}

// What to do about a refusal, by status.
std::string_view advice(int status) {
  switch (status) {
    case 401:
    case 403:
      return "put the aggregator's token into auth_token, auth_token_file or SYSMON_AUTH_TOKEN";
    case 400:
    case 413:
    case 422:
      return "agent and aggregator do not understand each other: compare their versions";
    default:
      return "check aggregator_url: this is not a sysmon aggregator, or something stands before it";
  }
}

}  // namespace

struct NetworkPublisher::Impl {
  Impl(PublisherOptions given, RingBuffer<SampleBatch>& the_ring, const Clock& the_clock,
       Transport& the_transport, Files& files)
      : options(std::move(given)),
        ring(the_ring),
        clock(the_clock),
        transport(&the_transport),
        retry(options.random),
        queue(options.max_queue_bytes, to_ns(options.max_queue_age)),
        stream(make_stream(options.random)) {
    auto id = read_or_make_agent_id(files, options.random);
    if (id) {
      agent_id = *id;
    } else {
      options.log(LogLevel::warning,
                  "agent_id cannot be kept, the host is known by its name: " + id.error().message());
    }
    apply_options();
  }

  void apply_options() {
    url = options.aggregator_url + "/api/metrics";
    encoder.set_envelope(
        {options.hostname, options.host_tags, options.push_interval, agent_id, options.boot_id});
    queue.set_bounds(options.max_queue_bytes, to_ns(options.max_queue_age));
    read_token();
  }

  // True when it is another token than before.
  bool read_token() {
    const auto read = options.token();
    if (!read || *read == token) return false;
    token = *read;
    return true;
  }

  // ---- sealing ----

  void seal_ring(std::int64_t now_ns) {
    ring.drain([&](const SampleBatch& batch) {
      const std::span<const Sample> all = batch.samples;
      std::size_t from = 0;
      do {  // an empty batch is a heartbeat
        const auto part = all.subspan(from, std::min(kBatchSamples, all.size() - from));
        seal(batch, part, now_ns);
        from += part.size();
      } while (from < all.size());
    });
    queue.drop_expired(now_ns);
  }

  void seal(const SampleBatch& batch, std::span<const Sample> samples, std::int64_t now_ns) {
    const std::string_view text = encoder.json(batch, samples, facts_to_send(now_ns));
    const bool is_gzip = options.compression == Compression::gzip;
    queue.push(next_seq++, now_ns, static_cast<std::uint32_t>(samples.size()),
               is_gzip ? encoder.gzip(text) : text, is_gzip);
    count(stats.samples_collected, samples.size());
    count(stats.batches_sealed, 1);
  }

  // The facts when they changed or an hour has passed, else nothing.
  std::string_view facts_to_send(std::int64_t now_ns) {
    const std::string_view present = options.facts ? options.facts() : std::string_view();
    if (present.empty() || (present == facts && now_ns < facts_due_ns)) return {};
    facts = present;
    facts_due_ns = now_ns + kFactsEvery;
    return facts;
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
    const bool is_fresh = queue.newest().sealed_ns == now_ns;
    return now_ns >= std::max(is_fresh ? live_due_ns - live_slack_ns : live_due_ns, retry.live_not_before());
  }

  [[nodiscard]] bool has_live() const { return !queue.empty() && queue.newest().seq > live_tried_seq; }

  [[nodiscard]] std::int64_t backlog_at() const {
    return std::max(backlog_due_ns, retry.backlog_not_before());
  }

  // Whatever is older than the newest batch tried alone; what came since waits for its slot.
  [[nodiscard]] bool has_backlog() const { return !queue.empty() && queue.oldest().seq <= backlog_up_to; }

  [[nodiscard]] std::int64_t next_wakeup(std::int64_t now_ns) const {
    std::int64_t next = now_ns + kNothingToDo;
    if (has_live()) next = std::min(next, live_at());
    if (has_backlog()) next = std::min(next, backlog_at());
    if (retry.is_refused()) next = std::min(next, token_check_ns);
    if (is_watched(now_ns)) next = std::min(next, watch_until_ns);
    if (!queue.empty())
      next = std::min(next, queue.oldest().sealed_ns + to_ns(options.max_queue_age).count() + 1);
    return next;
  }

  void advance_live(std::int64_t now_ns) {
    const std::int64_t interval = push_interval_ns(now_ns);
    if (!has_pushed && options.phase.count() > 0) {
      live_due_ns = now_ns + to_ns(options.phase).count();  // exactly then: it is what spreads a fleet
      live_slack_ns = 0;
    } else {
      live_due_ns = now_ns + interval;
      live_slack_ns = std::min(interval / 4, to_ns(wanted_interval(now_ns)).count() / 2);
    }
    has_pushed = true;
  }

  // ---- sending ----

  std::int64_t step(std::int64_t now_ns) {
    seal_ring(now_ns);
    if (retry.is_refused() && now_ns >= token_check_ns) look_for_new_token(now_ns);
    if (has_live() && is_live_due(now_ns)) {
      send_live(now_ns, kRequestTimeout);
    } else if (has_backlog() && now_ns >= backlog_at()) {
      send_backlog(now_ns, kRequestTimeout);
    }
    const std::int64_t after_ns = clock.mono_ns();
    publish_stats();
    return next_wakeup(after_ns);
  }

  void look_for_new_token(std::int64_t now_ns) {
    token_check_ns = now_ns + push_interval_ns(now_ns);
    if (!read_token()) return;
    options.log(LogLevel::info, "the token has changed; trying again");
    retry.forget();
  }

  void send_live(std::int64_t now_ns, milliseconds timeout) {
    live_tried_seq = queue.newest().seq;
    backlog_up_to = live_tried_seq;
    advance_live(now_ns);
    send(queue.size() - 1, 1, timeout);
  }

  void send_backlog(std::int64_t now_ns, milliseconds timeout) {
    backlog_due_ns = now_ns + kBacklogSpacing;
    BundleLimits limits;
    limits.batches = bundle_limit;
    send(0, queue.bundle(backlog_up_to, limits), timeout);
  }

  // One request with the `count` batches from `index` on.
  void send(std::size_t index, std::size_t batches, milliseconds timeout) {
    const auto* const first = &queue.batches()[index];
    const SeqRange range{first->seq, first[batches - 1].seq};
    std::string_view body = first->payload;
    if (batches > 1) {
      bundle_body.clear();
      for (std::size_t i = 0; i < batches; ++i) bundle_body += first[i].payload;
      body = bundle_body;
    }
    const std::size_t drops = std::min(queue.drops().size(), kMaxDropsInHeader);
    write_headers(range, first->is_gzip, drops);
    const HttpReply reply = transport->post({url, headers, body, timeout});
    take(read_push_reply(reply, stream, range, clock.wall_ms()), range, drops);
  }

  void write_headers(SeqRange range, bool is_gzip, std::size_t drops) {
    std::size_t used = 0;
    // The strings are kept and written over: the same few lines with every request.
    const auto next = [&](std::string_view name) -> std::string& {
      if (headers.size() == used) headers.emplace_back();
      return headers[used++].assign(name);
    };
    next("Content-Type: application/json");
    if (is_gzip) next("Content-Encoding: gzip");
    next("X-SysMon-Token: ") += token;
    next("X-SysMon-Stream: ") += stream;
    std::string& seq = next("X-SysMon-Seq: ") += std::to_string(range.first);
    if (range.last != range.first) seq += "-" + std::to_string(range.last);
    next("X-SysMon-Now: ") +=
        std::to_string(clock.wall_ms()) + ";" + options.boot_id + ";" + std::to_string(clock.boottime_ms());
    if (drops != 0) {
      std::string& header = next("X-SysMon-Dropped: ");
      for (std::size_t i = 0; i < drops; ++i) {
        const DropRecord& record = queue.drops()[i];
        if (i != 0) header += ", ";
        header += std::to_string(record.range.first) + "-" + std::to_string(record.range.last) +
                  ";samples=" + std::to_string(record.samples) + ";reason=";
        header += to_string(record.reason);
      }
    }
    headers.resize(used);
  }

  // ---- replies ----

  void take(const PushReply& reply, SeqRange range, std::size_t drops) {
    const std::int64_t now_ns = clock.mono_ns();
    using enum PushReply::Verdict;
    if (reply.verdict != acked) count(stats.send_failures, 1);
    switch (reply.verdict) {
      case acked:
        take_ack(reply, range, drops, now_ns);
        break;
      case unknown:
        retry.failed(now_ns);
        say_failing(reply, now_ns);
        break;
      case overloaded:
        retry.overloaded(now_ns, reply.retry_after);
        say_failing(reply, now_ns);
        break;
      case refused:
        refuse(reply, now_ns);
        break;
      case invalid:
      case too_big:
        take_invalid(reply, range, now_ns);
        break;
      case conflict:
        start_new_stream(now_ns);
        break;
    }
  }

  void take_ack(const PushReply& reply, SeqRange range, std::size_t drops, std::int64_t now_ns) {
    const std::size_t before = queue.size();
    const std::uint64_t samples = queue.acknowledge(range);
    const std::uint64_t rejected = std::min(reply.rejected, samples);
    count(stats.samples_acked, samples - rejected);
    count(stats.samples_dropped[static_cast<std::size_t>(LossReason::rejected)], rejected);
    count(stats.batches_acked, before - queue.size());
    // relaxed: a statistic.
    stats.last_ack_ns.store(now_ns, std::memory_order_relaxed);
    // A duplicate is answered before the rest of the request is looked at: the drops must be said again.
    if (!reply.duplicate) queue.forget_drops(drops);
    if (range.first != range.last) bundle_limit = std::min(bundle_limit * 2, kMaxBundle);
    invalid_in_a_row = 0;
    conflicts_in_a_row = 0;
    if (link != Link::up) {
      say_up(now_ns);
      // A fleet that waited for the same aggregator does not start to drain in the same instant.
      backlog_due_ns = now_ns + retry.jitter(kRecoverySpread);
    }
    retry.succeeded();
    const bool was_watched = is_watched(now_ns);
    if (reply.watch.count() > 0) watch_until_ns = now_ns + nanoseconds(reply.watch).count();
    if (!was_watched && is_watched(now_ns))
      live_due_ns = std::min(live_due_ns, now_ns + push_interval_ns(now_ns));
  }

  // These bytes will never be taken. In a bundle it may be one of many: smaller bundles find it.
  void take_invalid(const PushReply& reply, SeqRange range, std::int64_t now_ns) {
    const std::uint64_t batches = range.last - range.first + 1;
    if (batches > 1) {
      bundle_limit = static_cast<std::size_t>(batches / 2);
      return;
    }
    if (invalid_in_a_row >= kInvalidInARow) {
      // Not a bad batch but a fault of the system, which must not eat the queue.
      refuse(reply, now_ns);
      return;
    }
    ++invalid_in_a_row;
    options.log(LogLevel::warning, "batch " + std::to_string(range.first) +
                                       " is given up: the aggregator answers " + reply.detail);
    queue.quarantine(range.first);
  }

  void refuse(const PushReply& reply, std::int64_t now_ns) {
    retry.refused(now_ns);
    token_check_ns = now_ns + push_interval_ns(now_ns);
    if (read_token()) {  // it was changed while we used the old one
      retry.forget();
      return;
    }
    say_refused(reply, now_ns);
  }

  // Somebody else used our numbers: a copy of this machine, resumed from the same snapshot.
  void start_new_stream(std::int64_t now_ns) {
    stream = make_stream(options.random);
    next_seq = queue.renumber();
    live_tried_seq = 0;
    backlog_up_to = next_seq - 1;
    if (conflicts_in_a_row++ > 0) retry.failed(now_ns);  // no such reply may become a hot loop
    live_due_ns = std::max(live_due_ns, now_ns);
    if (conflicts_in_a_row == 1) {
      options.log(LogLevel::warning,
                  "the aggregator knows other batches by our numbers; starting a new stream");
    }
  }

  // ---- what is said, on a change only ----

  void say_up(std::int64_t now_ns) {
    if (link == Link::unknown) {
      options.log(LogLevel::info, "pushing to " + options.aggregator_url + " as " + options.hostname +
                                      " every " + format_duration(options.push_interval));
    } else {
      std::string line = "the aggregator takes batches again after " + duration_text(now_ns - down_since_ns);
      if (!queue.empty()) line += "; " + std::to_string(queue.size()) + " more to send";
      options.log(LogLevel::info, line);
    }
    link = Link::up;
    said_status = 0;
  }

  void say_failing(const PushReply& reply, std::int64_t now_ns) {
    if (link == Link::failing) return;
    go_down(Link::failing, now_ns);
    options.log(LogLevel::warning, "cannot push to " + options.aggregator_url + ": " + reply.detail +
                                       ". Batches are kept and sent later");
  }

  void say_refused(const PushReply& reply, std::int64_t now_ns) {
    if (link == Link::refused && said_status == reply.status) return;
    go_down(Link::refused, now_ns);
    said_status = reply.status;
    options.log(LogLevel::error, options.aggregator_url + " refuses our batches (" + reply.detail +
                                     "); they are kept. Fix: " + std::string(advice(reply.status)));
  }

  enum class Link : std::uint8_t { unknown, up, failing, refused };

  void go_down(Link to, std::int64_t now_ns) {
    if (link == Link::up || link == Link::unknown) down_since_ns = now_ns;
    link = to;
  }

  // ---- counters ----

  static void count(std::atomic<std::uint64_t>& counter, std::uint64_t by) {
    counter.fetch_add(by, std::memory_order_relaxed);  // relaxed: a statistic
  }

  void publish_stats() {
    constexpr auto kRelaxed = std::memory_order_relaxed;  // statistics
    stats.queue_bytes.store(queue.bytes(), kRelaxed);
    stats.oldest_ns.store(queue.empty() ? 0 : queue.oldest().sealed_ns, kRelaxed);
    for (const LossReason reason : {LossReason::spool_full, LossReason::too_old, LossReason::quarantined}) {
      stats.samples_dropped[static_cast<std::size_t>(reason)].store(queue.dropped_samples(reason), kRelaxed);
    }
  }

  PublisherOptions options;
  RingBuffer<SampleBatch>& ring;
  const Clock& clock;
  Transport* transport;
  BatchEncoder encoder;
  RetryPolicy retry;
  SendQueue queue;
  PublisherStats stats;

  std::string agent_id;
  std::string stream;
  std::string token;
  std::string url;
  std::string facts;  // as last sent
  std::int64_t facts_due_ns = 0;

  std::uint64_t next_seq = 1;
  std::uint64_t live_tried_seq = 0;  // the newest batch the live lane has tried
  std::uint64_t backlog_up_to = 0;   // the backlog lane may send up to this one
  bool has_pushed = false;
  std::int64_t live_due_ns = 0;  // the first push is at once
  std::int64_t live_slack_ns = 0;
  std::int64_t backlog_due_ns = 0;
  std::int64_t token_check_ns = 0;
  std::int64_t watch_until_ns = 0;
  std::size_t bundle_limit = kMaxBundle;
  int invalid_in_a_row = 0;
  int conflicts_in_a_row = 0;

  Link link = Link::unknown;
  int said_status = 0;
  std::int64_t down_since_ns = 0;

  std::vector<std::string> headers;
  std::string bundle_body;
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
  if (!impl.queue.empty() && !impl.retry.is_refused() && left() >= kLeastTimeout) {
    impl.send_live(impl.clock.mono_ns(), left());
    for (int i = 0; i < kFlushRequests && !impl.queue.empty() && impl.link == Impl::Link::up; ++i) {
      if (left() < kLeastTimeout) break;
      impl.send_backlog(impl.clock.mono_ns(), left());
    }
  }
  impl.publish_stats();
}

void NetworkPublisher::reconfigure(PublisherOptions options, Transport& transport) {
  Impl& impl = *impl_;
  impl.options = std::move(options);
  impl.transport = &transport;
  impl.token.clear();
  impl.apply_options();
  impl.retry.forget();
  impl.live_due_ns = 0;
  impl.link = Impl::Link::unknown;
}

milliseconds NetworkPublisher::wanted_interval(std::int64_t now_ns) const {
  return impl_->wanted_interval(now_ns);
}

PublisherStats& NetworkPublisher::stats() { return impl_->stats; }
const std::string& NetworkPublisher::agent_id() const { return impl_->agent_id; }
const std::string& NetworkPublisher::stream() const { return impl_->stream; }

}  // namespace sysmon
