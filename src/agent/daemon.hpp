// The running agent: collector thread -> ring -> publisher on the main thread.
#pragma once

#include "agent/options.hpp"
#include "sysmon/agent_config.hpp"

namespace sysmon::agent {

// Until SIGTERM. Returns the exit code.
[[nodiscard]] int run_daemon(const Options& options, LoadedConfig loaded);

}  // namespace sysmon::agent
