// Local mode: the agent becomes `sysmon up`.
#pragma once

namespace sysmon::agent {

// Replaces this process. Returns only where there is no `sysmon`, with the exit code of that.
[[nodiscard]] int hand_over_to_sysmon_up();

}  // namespace sysmon::agent
