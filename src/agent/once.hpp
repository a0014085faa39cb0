// sysmon-agent --once: one batch on stdout.
#pragma once

#include "agent/options.hpp"
#include "sysmon/agent_config.hpp"

namespace sysmon::agent {

// Two readings a second apart, because rates need two; a recorded tree is not waited for. Returns the exit
// code.
[[nodiscard]] int print_once(const Options& options, const AgentConfig& config);

}  // namespace sysmon::agent
