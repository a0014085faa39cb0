// StuckCall: stands for a system call that hangs until the test lets it return.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

namespace sysmon {

class StuckCall {
 public:
  // The "system call": says that it is entered, then blocks until `release`.
  void enter() const {
    std::unique_lock lock(state_->mutex);
    ++state_->entered;
    state_->changed.notify_all();
    state_->changed.wait(lock, [&] { return state_->released; });
  }
  void release() const {
    const std::lock_guard lock(state_->mutex);
    state_->released = true;
    state_->changed.notify_all();
  }
  [[nodiscard]] int times_entered() const {
    const std::lock_guard lock(state_->mutex);
    return state_->entered;
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    int entered = 0;
    bool released = false;
  };
  std::shared_ptr<State> state_ =
      std::make_shared<State>();  // copies are the same call: a worker may keep one
};

}  // namespace sysmon
