#include "network.hpp"

#include <ctime>

#include "violation.hpp"

namespace sysmon::sim {
namespace {

using test::kDay;
using test::kMinute;
using test::kMs;
using test::kSecond;

constexpr std::int64_t kMaxRetryAfter = 600 * kSecond;
// 60 s to 15 min and a tenth (delivery: a refusal).
constexpr std::int64_t kLongestRefusal = 1000 * kSecond;
// Ten a second of the backlog lane, one of the live lane, and one whose predecessor lies on the second's edge.
constexpr std::size_t kMostASecond = 12;
// What 1 s × 2 … 60 s with full jitter may be in an unlucky minute.
constexpr std::uint64_t kBackoffsAMinute = 24;

std::string http_date(std::int64_t wall_ms) {
  const std::time_t seconds = wall_ms / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

}  // namespace

void Network::forget(std::chrono::milliseconds push_interval) {
  ++server_.process;
  not_before_ = bundle_not_before_ = 0;
  is_well_ = false;
  pause_until_ = time_.now();
  attempts_.clear();
  failed_attempts_.clear();
  failures_allowed_ =
      kBackoffsAMinute + 1 +
      static_cast<std::uint64_t>(60'000 / std::min<std::int64_t>(push_interval.count(), 60'000));
}

void Network::begin(const Event& event) {
  fault_ = event;
  server_.max_bundle = event.link == LinkFault::small_limit ? static_cast<std::size_t>(event.number) : 64;
  server_.is_poison = nullptr;
  server_.is_huge = nullptr;
  if (event.link == LinkFault::poison) {
    const auto among = static_cast<std::uint64_t>(event.number);
    server_.is_poison = [among](std::uint64_t digest) { return digest / 2 % among == 0; };
    server_.is_huge = [among](std::uint64_t digest) { return digest / 2 % among == 1; };
  }
  if (server_.token != token_file) {  // mended at one end or the other
    if (random_.one_in(2)) {
      token_file = server_.token;
      if (is_refused_) pause_until_ = 0;  // the agent looks at it once per push interval
    } else {
      server_.token = token_file;
    }
  }
  if (event.link == LinkFault::wrong_token) server_.token = "token " + std::to_string(requests_);
}

bool Network::is_bundle(const Push& push) { return push.range && push.range->first != push.range->last; }

HttpReply Network::post(const HttpRequest& request) {
  ++requests_;
  if (before_call) before_call();
  if (request.url != url_) throw Violation(Kind::error, "a request to " + request.url);
  check_attempt(read_push(request));
  deliver_late();
  retry_after_ = 0;
  while_waiting_ = request.while_waiting;
  const std::int64_t began = time_.now();
  is_heard_ = false;
  overrun_ = 0;
  HttpReply reply = carry(request);
  if (before_call) before_call();  // killed between the commit and the reply
  if (is_heard_) server_.acked(read_push(request));
  if (time_.now() - began > request.timeout.count() * kMs + kMs + overrun_) {
    throw Violation(Kind::error, "a request took longer than its timeout");
  }
  if (sabotage_ == Sabotage::any_ack_counts && reply.status / 100 == 2) {
    reply = ModelServer::ack(read_push(request), false);
  }
  if (is_heard_) failed_attempts_.clear();
  // Live batches come through meanwhile: only the next bundle has to wait.
  const bool is_only_bundles =
      is_well_ && is_bundle(read_push(request)) && (reply.status == 429 || reply.status == 503);
  if (reply.status != 200) note_failure(reply, is_only_bundles);
  const bool is_failure = reply.status == 0 || reply.status == 408 || reply.status >= 429;
  is_well_ = is_heard_ || (is_well_ && (!is_failure || is_only_bundles));
  if (time_.trace) {
    const Push push = read_push(request);
    std::string line = "POST " + std::string(push.stream.substr(0, 8));
    if (push.range) line += ":" + std::to_string(push.range->first) + "-" + std::to_string(push.range->last);
    if (!push.dropped.empty()) line += " dropped " + std::string(push.dropped);
    line += " -> " + (reply.status == 0 ? reply.error : std::to_string(reply.status));
    if (!reply.retry_after.empty()) line += ", Retry-After: " + reply.retry_after;
    time_.say(line);
  }
  if (sabotage_ == Sabotage::follows_redirects && reply.status / 100 == 3) {
    const std::string elsewhere = "http://elsewhere/";
    return post({elsewhere, request.headers, request.body, request.timeout});
  }
  if (sabotage_ == Sabotage::no_retry_after) reply.retry_after.clear();
  return reply;
}

// As the client does: whoever waits is called once a second, and sooner where it asks for that; the clock of the
// timeout runs on meanwhile. A call that is under way when the wait is over is waited for.
void Network::wait(std::int64_t duration) {
  const std::int64_t until = time_.now() + duration;
  while (time_.now() < until) {
    std::int64_t pause = kSecond;
    if (while_waiting_ != nullptr) pause = std::clamp((*while_waiting_)().count() * kMs, kMs, kSecond);
    time_.is_tick_held = sabotage_ == Sabotage::tick_waits;
    time_.advance(std::max(std::min(time_.now() + pause, until), time_.now()));
    time_.is_tick_held = false;
  }
  overrun_ += time_.now() - until;
}

HttpReply Network::carry(const HttpRequest& request) {
  wait(random_.between(kMs, 40 * kMs));
  const bool is_met = static_cast<int>(random_.below(100)) < fault_.percent;
  const std::int64_t timeout = request.timeout.count() * kMs - 50 * kMs;
  switch (is_met ? fault_.link : LinkFault::none) {
    case LinkFault::away:
      return broken(0, "connection refused");
    case LinkFault::hangs:
      return broken(timeout, "timeout");
    case LinkFault::resets:
      return broken(random_.between(0, std::min(timeout, kSecond)), "connection reset");
    case LinkFault::loses_reply:
      (void)deliver(request, false);
      return broken(random_.one_in(3) ? timeout : 0, "connection reset");
    case LinkFault::repeats:
      for (std::int64_t i = random_.between(1, 4); i > 0; --i) (void)deliver(request, false);
      if (random_.one_in(4)) keep(request, time_.now() + kDay);
      break;
    case LinkFault::holds:
      keep(request, time_.now() + random_.between(timeout, 10 * kMinute));
      return broken(timeout, "timeout");
    case LinkFault::status:
      return answer_status();
    case LinkFault::portal:
      if (random_.one_in(3)) return {204, "", "", ""};
      if (random_.one_in(3)) return {200, "", R"({"status":"ok","stream":null,"acked":[1,999999]})", ""};
      return {200, "", "<html>please log in</html>", ""};
    case LinkFault::slow:
      wait(random_.between(0, std::min<std::int64_t>(timeout, 9 * kSecond)));
      break;
    default:
      break;
  }
  return deliver(request, true);
}

HttpReply Network::broken(std::int64_t after, const char* why) {
  wait(after);
  return {0, why, "", ""};
}

HttpReply Network::answer_status() {
  std::string header = fault_.text;
  if (header.starts_with("date ")) {
    const std::int64_t seconds = std::stoll(header.substr(5));
    header = http_date(time_.clock.wall_ms() + seconds * 1000);
    retry_after_ = (seconds - 1) * kSecond;  // a date has whole seconds
  } else if (!header.empty() && header.find_first_not_of("0123456789") == std::string::npos) {
    retry_after_ = std::stoll(header) * kSecond;
  }
  retry_after_ = std::clamp<std::int64_t>(retry_after_, 0, kMaxRetryAfter);
  const auto status = static_cast<int>(fault_.number);
  // Half of the 400 and 422 are a proxy's, which says nothing about the batch.
  const bool is_ours = (status != 400 && status != 422) || random_.one_in(2);
  return ModelServer::error(status, is_ours ? "no" : "", header);
}

HttpReply Network::deliver(const HttpRequest& request, bool is_heard) {
  Push push = read_push(request);
  std::string body;
  if (sabotage_ == Sabotage::bytes_change && push.range && random_.one_in(50)) {
    body = std::string(push.body);
    if (body.size() > 9) body[9] = static_cast<char>(body[9] ^ 1);  // gzip's OS byte: the text stays
    push.body = body;
  }
  if (sabotage_ == Sabotage::drops_unsaid) push.dropped = {};
  HttpReply reply = server_.post(push);
  is_heard_ = is_heard && reply.status == 200;
  if (server_.watch_s > 0) watched_until_ = time_.now() + 2 * kMinute;
  return reply;
}

void Network::keep(const HttpRequest& request, std::int64_t at) {
  constexpr std::size_t kMostKept = 32;
  if (late_.size() >= kMostKept) return;
  late_.push_back({at, {request.headers.begin(), request.headers.end()}, std::string(request.body)});
}

void Network::deliver_late() {
  for (std::size_t i = 0; i < late_.size();) {
    if (late_[i].at > time_.now()) {
      ++i;
      continue;
    }
    const Late late = std::move(late_[i]);
    late_.erase(late_.begin() + static_cast<std::ptrdiff_t>(i));
    (void)deliver({url_, late.headers, late.body}, false);
  }
}

void Network::check_attempt(const Push& push) {
  const std::int64_t now = time_.now();
  const std::string clocks = std::to_string(time_.clock.wall_ms()) + ";";
  if (!push.now.starts_with(clocks) || !push.now.ends_with(";" + std::to_string(time_.clock.boottime_ms()))) {
    throw Violation(Kind::error, "the sender's clocks are not those of this attempt");
  }
  const std::int64_t not_before = is_bundle(push) ? std::max(not_before_, bundle_not_before_) : not_before_;
  if (!is_flushing_ && now < not_before) {
    throw Violation(Kind::error, "a request " + std::to_string((not_before - now) / kMs) +
                                     " ms before the end of Retry-After");
  }
  while (!attempts_.empty() && attempts_.front() <= now - kSecond) attempts_.pop_front();
  attempts_.push_back(now);
  if (!is_flushing_ && attempts_.size() > kMostASecond) {
    throw Violation(Kind::error, "a hot loop: " + std::to_string(attempts_.size()) + " requests in a second");
  }
}

void Network::note_failure(const HttpReply& reply, bool is_only_bundles) {
  ++failures_;
  const std::int64_t now = time_.now();
  const int status = reply.status;
  const std::int64_t until = now + retry_after_;
  (is_only_bundles ? bundle_not_before_ : not_before_) = until;
  pause_until_ = retry_after_ > 0 && !is_only_bundles ? until + 2 * kSecond : 0;
  // What a smaller bundle or a quarantine answers needs no pause.
  const bool is_about_the_batch = status == 413 || status == 409 || status == 400 || status == 422;
  const bool is_refusal = status >= 300 && status < 500 && status != 408 && status != 429;
  if (is_refusal) pause_until_ = now + kLongestRefusal;
  is_refused_ = is_refusal;
  if (is_about_the_batch) return;
  while (!failed_attempts_.empty() && failed_attempts_.front() <= now - kMinute) failed_attempts_.pop_front();
  failed_attempts_.push_back(now);
  most_failures_ = std::max(most_failures_, failed_attempts_.size());
  const std::uint64_t watched = now < watched_until_ ? 60 : 0;  // a push each second
  if (failed_attempts_.size() > failures_allowed_ + watched) {
    throw Violation(Kind::error,
                    "a hot loop: " + std::to_string(failed_attempts_.size()) + " failures in a minute");
  }
}

}  // namespace sysmon::sim
