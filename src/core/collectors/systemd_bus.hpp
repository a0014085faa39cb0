// SystemdBus: what the systemd collector asks, behind an interface so that a test or a recorded tree can
// answer.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sysmon/collector.hpp"
#include "sysmon/procfs.hpp"
#include "sysmon/result.hpp"

namespace sysmon {

struct SystemdUnit {
  std::string name;          // "nginx.service"
  std::string active_state;  // active, reloading, inactive, failed, activating, deactivating
  std::string sub_state;     // "running", "exited", "dead", …

  friend bool operator==(const SystemdUnit&, const SystemdUnit&) = default;
};

class SystemdBus {
 public:
  virtual ~SystemdBus() = default;
  // Appends every unit that is loaded. May block for as long as the bus's own timeout, 5 s.
  // Error: not_found where systemd or its library is not there, permission, io.
  virtual Result<void> list_units(std::vector<SystemdUnit>& out) = 0;
};

// The system bus through libsystemd, which is opened at run time: the agent runs where there is none.
[[nodiscard]] std::unique_ptr<SystemdBus> make_system_bus();

// The file `systemd_units` of a recorded tree: `systemctl list-units --all --plain --no-legend --no-pager`.
[[nodiscard]] std::unique_ptr<SystemdBus> make_recorded_bus(const ProcRoot& root);

// Lines of name, load state, active state, sub state and a description, parted by blanks; a bullet may come
// first. Error: malformed, with the line, when one of the four is missing.
Result<void> parse_systemd_units(std::string_view text, std::vector<SystemdUnit>& out);

[[nodiscard]] std::unique_ptr<SlowCollector> make_systemd_collector(std::unique_ptr<SystemdBus> bus);

}  // namespace sysmon
