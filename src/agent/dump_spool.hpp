// --dump-spool: what waits on this host, whether an agent runs or not.
#pragma once

#include "agent/options.hpp"
#include "sysmon/agent_config.hpp"

namespace sysmon::agent {

// On stdout, as a table or, with --json, as one document. Returns the exit code.
[[nodiscard]] int dump_spool(const Options& options, const AgentConfig& config);

}  // namespace sysmon::agent
