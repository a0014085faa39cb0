#include "core/link_report.hpp"

#include <string>
#include <string_view>

namespace sysmon {
namespace {

std::string duration_text(std::int64_t ns) {
  const std::int64_t seconds = ns / 1'000'000'000;
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

void LinkReport::up(std::int64_t now_ns, std::size_t waiting) {
  if (state_ == State::up) return;
  if (state_ == State::unknown) {
    options_.log(LogLevel::info, "pushing to " + options_.aggregator_url + " as " + options_.hostname +
                                     " every " + format_duration(options_.push_interval));
  } else {
    std::string line = "the aggregator takes batches again after " + duration_text(now_ns - down_since_ns_);
    if (waiting > 0) line += "; " + std::to_string(waiting) + " more to send";
    options_.log(LogLevel::info, line);
  }
  state_ = State::up;
  said_status_ = 0;
}

void LinkReport::failing(const PushReply& reply, std::int64_t now_ns) {
  if (state_ == State::failing) return;
  go_down(State::failing, now_ns);
  options_.log(LogLevel::warning, "cannot push to " + options_.aggregator_url + ": " + reply.detail +
                                      ". Batches are kept and sent later");
}

void LinkReport::refused(const PushReply& reply, std::int64_t now_ns) {
  if (state_ == State::refused && said_status_ == reply.status) return;
  go_down(State::refused, now_ns);
  said_status_ = reply.status;
  options_.log(LogLevel::error, options_.aggregator_url + " refuses our batches (" + reply.detail +
                                    "); they are kept. Fix: " + std::string(advice(reply.status)));
}

void LinkReport::go_down(State to, std::int64_t now_ns) {
  if (state_ == State::up || state_ == State::unknown) down_since_ns_ = now_ns;
  state_ = to;
}

}  // namespace sysmon
