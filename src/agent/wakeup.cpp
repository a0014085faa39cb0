#include "agent/wakeup.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "sysmon/clock.hpp"

namespace sysmon::agent {
namespace {

constexpr unsigned kStopLimitSeconds = 5;
constexpr std::int64_t kLongestWaitNs = 60'000'000'000;

// Handlers see these alone. Lock-free atomics may be used in a handler; all with the default, strongest
// order.
std::atomic<bool> stop_flag{false};
std::atomic<bool> reload_flag{false};
std::atomic<bool> cancel_flag{false};
std::atomic<int> event_fd{-1};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void write_event() {
  const std::uint64_t one = 1;
  // Full (2^64 − 2 times unread) or interrupted: the reader wakes all the same.
  [[maybe_unused]] const ssize_t written = ::write(event_fd.load(), &one, sizeof one);
}

extern "C" void on_stop(int /*signal*/) {
  const int saved = errno;
  if (stop_flag.exchange(true)) ::_exit(0);
  cancel_flag = true;
  ::alarm(kStopLimitSeconds);
  write_event();
  errno = saved;
}

extern "C" void on_reload(int /*signal*/) {
  const int saved = errno;
  reload_flag = true;
  write_event();
  errno = saved;
}

extern "C" void on_limit(int /*signal*/) { ::_exit(0); }

void handle(int signal, void (*handler)(int)) {
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

void Wakeup::expect_reload() { handle(SIGHUP, on_reload); }

int Wakeup::install() {
  const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) return errno;
  event_fd = fd;
  handle(SIGTERM, on_stop);
  handle(SIGINT, on_stop);
  handle(SIGALRM, on_limit);
  handle(SIGPIPE, SIG_IGN);
  return 0;
}

void Wakeup::notify() { write_event(); }

void Wakeup::wait(std::int64_t until_ns) {
  const std::int64_t left = std::clamp<std::int64_t>(until_ns - system_clock().mono_ns(), 0, kLongestWaitNs);
  const timespec timeout{static_cast<time_t>(left / 1'000'000'000), static_cast<long>(left % 1'000'000'000)};
  pollfd poll{event_fd.load(), POLLIN, 0};
  if (::ppoll(&poll, 1, &timeout, nullptr) > 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(poll.fd, &count, sizeof count);
  }
}

bool Wakeup::stop() const { return stop_flag; }
bool Wakeup::take_reload() { return reload_flag.exchange(false); }
std::atomic<bool>& Wakeup::cancel() { return cancel_flag; }

}  // namespace sysmon::agent
