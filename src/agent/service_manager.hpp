// ServiceManager: tells systemd how the agent is, in the datagrams of sd_notify(3), so that libsystemd is no need.
//
// Without NOTIFY_SOCKET, as in a terminal, it does nothing. What it cannot send is lost: the agent runs all the
// same.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "sysmon/agent_config.hpp"

namespace sysmon::agent {

class ServiceManager {
 public:
  // NOTIFY_SOCKET: a path, or a name that starts with '@'. WATCHDOG_USEC, for this process (WATCHDOG_PID): how
  // long the manager waits for a sign of life before it starts the agent anew.
  explicit ServiceManager(const Environment& environment);

  void ready() const;  // also after `reloading`
  void reloading(std::int64_t mono_ns) const;
  void stopping() const;

  // To be called at the monotonic time `due_ns` or later: a sign of life if `is_well`, and half the
  // manager's patience until the next one.
  void watchdog(std::int64_t mono_ns, bool is_well);
  [[nodiscard]] std::int64_t due_ns() const { return due_ns_; }  // never, without a watchdog
  // How long the manager waits; 0 without a watchdog.
  [[nodiscard]] std::int64_t patience_ns() const { return patience_ns_; }

 private:
  void tell(std::string_view state) const;

  std::string socket_;
  std::int64_t patience_ns_ = 0;
  std::int64_t due_ns_ = std::numeric_limits<std::int64_t>::max();
};

}  // namespace sysmon::agent
