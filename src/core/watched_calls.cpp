#include "sysmon/watched_calls.hpp"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

namespace sysmon {
namespace {

// Enough for sd-bus and for a sanitizer's frames; only touched pages are memory.
constexpr std::size_t kStackBytes = 256U << 10U;
// How often `wait` looks at its clock, which need not be the condition variable's.
constexpr std::chrono::milliseconds kSlice{20};

struct Queued {
  std::string key;
  std::function<void()> call;
};

struct Running {
  std::string key;
  std::int64_t since_ns = 0;
};

}  // namespace

struct WatchedCalls::State {
  std::mutex mutex;
  std::condition_variable changed;  // a call returned or a worker ended
  const std::chrono::nanoseconds patience;
  const Clock& clock;  // used with a call in the queue only, so never after the owner is gone
  std::deque<Queued> queue;
  std::vector<Running> running;
  std::size_t workers = 0;  // threads, between two calls or in one

  State(std::chrono::nanoseconds limit, const Clock& time) : patience(limit), clock(time) {}

  [[nodiscard]] bool has(std::string_view key) const {
    const auto same = [&](const auto& entry) { return entry.key == key; };
    return std::any_of(queue.begin(), queue.end(), same) || std::any_of(running.begin(), running.end(), same);
  }
  [[nodiscard]] std::size_t running_for(std::chrono::nanoseconds at_least) const {
    const std::int64_t now = clock.mono_ns();
    return static_cast<std::size_t>(std::count_if(running.begin(), running.end(), [&](const Running& entry) {
      return now - entry.since_ns >= at_least.count();
    }));
  }

  // Called with the mutex held. True if a worker is there, or was made, that will get to the queue.
  static bool ensure_worker(const std::shared_ptr<State>& state);
  static void* work(void* argument);
};

bool WatchedCalls::State::ensure_worker(const std::shared_ptr<State>& state) {
  if (state->queue.empty()) return true;
  if (state->workers > state->running_for(kHelpAfter)) return true;
  if (state->workers >= kMaxThreads) return state->running_for(state->patience) < state->workers;

  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  // Signals belong to the main thread; a worker inherits that it takes none.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  auto share = std::make_unique<std::shared_ptr<State>>(state);
  pthread_t thread{};
  const bool made = pthread_create(&thread, &attributes, &State::work, share.get()) == 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (made) {
    share.release();  // NOLINT(bugprone-unused-return-value): the thread owns it now
    ++state->workers;
  }
  return made || state->workers > state->running_for(state->patience);
}

void* WatchedCalls::State::work(void* argument) {
  std::shared_ptr<State> state;
  {
    const std::unique_ptr<std::shared_ptr<State>> share(static_cast<std::shared_ptr<State>*>(argument));
    state = std::move(*share);
  }
  std::unique_lock lock(state->mutex);
  while (!state->queue.empty()) {
    Queued next = std::move(state->queue.front());
    state->queue.pop_front();
    state->running.push_back({next.key, state->clock.mono_ns()});
    lock.unlock();
    next.call();
    next.call = nullptr;  // what it owned is destroyed before it counts as returned
    lock.lock();
    std::erase_if(state->running, [&](const Running& entry) { return entry.key == next.key; });
    state->changed.notify_all();
  }
  --state->workers;
  state->changed.notify_all();
  return nullptr;
}

WatchedCalls::WatchedCalls(std::chrono::nanoseconds patience, const Clock& clock)
    : state_(std::make_shared<State>(patience, clock)) {}

WatchedCalls::~WatchedCalls() {
  std::unique_lock lock(state_->mutex);
  state_->queue.clear();
  // Stuck ones are not waited for, prompt ones hardly ever take this long.
  if (state_->workers > state_->running_for(state_->patience)) {
    state_->changed.wait_for(lock, kGrace,
                             [&] { return state_->workers <= state_->running_for(state_->patience); });
  }
}

bool WatchedCalls::start(std::string_view key, std::function<void()> call) {
  const std::lock_guard lock(state_->mutex);
  if (state_->has(key)) return false;
  state_->queue.push_back({std::string(key), std::move(call)});
  State::ensure_worker(state_);
  return true;
}

void WatchedCalls::tend() {
  const std::lock_guard lock(state_->mutex);
  State::ensure_worker(state_);
}

void WatchedCalls::wait(std::chrono::nanoseconds most) {
  std::unique_lock lock(state_->mutex);
  const std::int64_t until = state_->clock.mono_ns() + most.count();
  for (;;) {
    if (!State::ensure_worker(state_)) state_->queue.clear();
    if (state_->queue.empty() && state_->running_for(state_->patience) == state_->running.size()) return;
    const std::int64_t left = until - state_->clock.mono_ns();
    if (left <= 0) return;
    state_->changed.wait_for(lock,
                             std::min(std::chrono::nanoseconds(left), std::chrono::nanoseconds(kSlice)));
  }
}

std::optional<std::chrono::nanoseconds> WatchedCalls::stuck_for(std::string_view key) const {
  const std::lock_guard lock(state_->mutex);
  for (const Running& entry : state_->running) {
    const std::chrono::nanoseconds age(state_->clock.mono_ns() - entry.since_ns);
    if (entry.key == key && age >= state_->patience) return age;
  }
  return std::nullopt;
}

std::size_t WatchedCalls::pending() const {
  const std::lock_guard lock(state_->mutex);
  return state_->queue.size() + state_->running.size();
}

}  // namespace sysmon
