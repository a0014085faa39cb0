// LinkReport: what is said about the way to the aggregator, on a change only: ten minutes of trouble are one line.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/push_reply.hpp"
#include "sysmon/network_publisher.hpp"

namespace sysmon {

class LinkReport {
 public:
  explicit LinkReport(const PublisherOptions& options) : options_(options) {}

  // `waiting`: batches that are still to be sent.
  void up(std::int64_t now_ns, std::size_t waiting);
  void failing(const PushReply& reply, std::int64_t now_ns);
  void refused(const PushReply& reply, std::int64_t now_ns);
  void forget() { state_ = State::unknown; }

  [[nodiscard]] bool is_down() const { return state_ == State::failing || state_ == State::refused; }
  [[nodiscard]] bool is_up() const { return state_ == State::up; }

 private:
  enum class State : std::uint8_t { unknown, up, failing, refused };
  void go_down(State to, std::int64_t now_ns);

  const PublisherOptions& options_;
  State state_ = State::unknown;
  int said_status_ = 0;
  std::int64_t down_since_ns_ = 0;
};

}  // namespace sysmon
