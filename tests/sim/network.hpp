// Network: the way from an agent to the model server, with everything that may become of a request; and what the agent
// has promised about its attempts.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "model_server.hpp"
#include "sabotage.hpp"
#include "schedule.hpp"
#include "splitmix.hpp"
#include "sysmon/http_client.hpp"
#include "timeline.hpp"

namespace sysmon::sim {

class Network final : public Transport {
 public:
  Network(Timeline& time, ModelServer& server, test::Splitmix random, Sabotage sabotage)
      : time_(time), server_(server), random_(random), sabotage_(sabotage) {}

  static constexpr const char* kUrl = "http://central:9000";

  [[nodiscard]] HttpReply post(const HttpRequest& request) override;

  void begin(const Event& event);
  // Another process, or one that was told to begin anew: what it had promised is forgotten.
  void forget(std::chrono::milliseconds push_interval);
  // The last push of a process does not wait.
  void set_flushing(bool is_flushing) { is_flushing_ = is_flushing; }
  std::function<void()> before_call;  // may throw: the process is killed
  std::string token_file = "secret";  // what the agent reads

  // How long after the link is good again the agent may still keep a pause that it was told to keep.
  [[nodiscard]] std::int64_t pause_until() const { return pause_until_; }
  [[nodiscard]] std::uint64_t requests() const { return requests_; }
  [[nodiscard]] std::uint64_t failures() const { return failures_; }
  [[nodiscard]] std::uint64_t most_failures_a_minute() const { return most_failures_; }

 private:
  // A request that arrives later.
  struct Late {
    std::int64_t at = 0;
    std::vector<std::string> headers;
    std::string body;
  };

  HttpReply carry(const HttpRequest& request);
  HttpReply deliver(const HttpRequest& request, bool is_heard);
  void deliver_late();
  void keep(const HttpRequest& request, std::int64_t at);
  void wait(std::int64_t duration);
  HttpReply broken(std::int64_t after, const char* why);
  HttpReply answer_status();
  void check_attempt(const Push& push);
  void note_failure(const HttpReply& reply, bool is_only_bundles);
  [[nodiscard]] static bool is_bundle(const Push& push);

  Timeline& time_;
  ModelServer& server_;
  test::Splitmix random_;
  Sabotage sabotage_;
  Event fault_{};
  std::deque<Late> late_;
  std::string url_ = std::string(kUrl) + "/api/metrics";
  bool is_flushing_ = false;
  bool is_heard_ = false;  // the request under way was committed, and the reply comes back
  std::int64_t watched_until_ = 0;
  bool is_refused_ = false;  // at the last failure: a pause that a fresh token ends
  const std::function<std::chrono::milliseconds()>* while_waiting_ = nullptr;  // of the request under way
  std::int64_t overrun_ = 0;  // of its waits: they were over before what was called meanwhile

  std::int64_t not_before_ = 0;         // the last Retry-After
  std::int64_t bundle_not_before_ = 0;  // likewise, of a bundle while live batches came through
  bool is_well_ = false;  // the last answer that says anything of the link was an acknowledgement
  std::int64_t pause_until_ = 0;
  std::int64_t retry_after_ = 0;              // of the reply under way
  std::deque<std::int64_t> attempts_;         // of the last second
  std::deque<std::int64_t> failed_attempts_;  // of the last minute
  std::uint64_t failures_allowed_ = 0;        // in a minute
  std::uint64_t requests_ = 0;
  std::uint64_t failures_ = 0;
  std::uint64_t most_failures_ = 0;
};

}  // namespace sysmon::sim
