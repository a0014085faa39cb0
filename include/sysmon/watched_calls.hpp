// WatchedCalls: calls that may hang in the kernel, made on threads that can be left behind.
//
// statvfs on a dead NFS server, a sensor whose device is in reset: such a call cannot be interrupted, only
// not waited for. Each call has a key ("/mnt/nfs"); while it runs, no second one with that key is started, so
// a hung mount costs one thread however long it hangs. One worker serves all calls; when it is held up,
// another takes over the rest. Workers end when there is nothing left to do: between two readings there is
// none.
//
// Threads: all members may be called by any thread. A call owns whatever it touches, because it may outlive
// both its caller and this object.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sysmon/clock.hpp"

namespace sysmon {

class WatchedCalls {
 public:
  // Past `patience` a call counts as stuck. `clock` must outlive this object; the workers it leaves behind do
  // not use it.
  explicit WatchedCalls(std::chrono::nanoseconds patience, const Clock& clock = system_clock());
  ~WatchedCalls();  // does not wait for a stuck call; lets others finish for at most kGrace
  WatchedCalls(const WatchedCalls&) = delete;
  WatchedCalls& operator=(const WatchedCalls&) = delete;

  // Runs `call` on a worker, in the order of starting. False, and nothing is done, while one with this key is
  // queued or running. REQUIRES: `call` owns or shares ownership of all it uses, and does not throw.
  bool start(std::string_view key, std::function<void()> call);

  // Waits until every call has returned or is stuck, at most `most`. A call that found no thread, because
  // kMaxThreads are stuck or the system gives no more, is dropped unmade.
  void wait(std::chrono::nanoseconds most);

  // Starts another worker where one is held up and calls are queued. Never waits: for callers that poll.
  void tend();

  // How long the call with this key has been running, if it is stuck.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> stuck_for(std::string_view key) const;
  // Calls queued or running, stuck ones included.
  [[nodiscard]] std::size_t pending() const;

  // The unit file allows the agent 32 tasks.
  static constexpr std::size_t kMaxThreads = 16;
  static constexpr std::chrono::milliseconds kHelpAfter{250};
  static constexpr std::chrono::milliseconds kGrace{200};

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the workers
};

// Where a watched call puts what it found: shared by the call and whoever started it, because it may come
// long after nobody asks any more.
template <class T>
class Answer {
 public:
  void set(T value) {
    const std::lock_guard lock(mutex_);
    value_ = std::move(value);
  }
  // The answer, if it has come; it is gone from here then.
  [[nodiscard]] std::optional<T> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(value_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::optional<T> value_;
};

}  // namespace sysmon
