// What wakes the publisher's thread: a batch in the ring, a signal, or the time it asked for.
#pragma once

#include <atomic>
#include <cstdint>

namespace sysmon::agent {

// One per process, as signals are.
class Wakeup {
 public:
  // Installs the handler of HUP, which sets `reload`. Before the settings are read: who changes them then has them read
  // again, where the signal would else end the process.
  static void expect_reload();

  // Installs the others: TERM and INT set `stop`; a second one ends the process at once, and so does the time limit of
  // a stop that hangs. Error: errno of eventfd, else 0.
  [[nodiscard]] int install();

  // From any thread, and from a signal handler.
  void notify();

  // Until notify, a signal, or the monotonic time `until_ns`; at most a minute.
  void wait(std::int64_t until_ns);

  [[nodiscard]] bool stop() const;
  [[nodiscard]] bool take_reload();  // true once a signal

  // Ends a request that is under way; set by the first TERM or INT. For HttpClientOptions::cancel.
  [[nodiscard]] std::atomic<bool>& cancel();
};

}  // namespace sysmon::agent
