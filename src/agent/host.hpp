// What the agent needs to know about the host it speaks for.
#pragma once

#include <string>

#include "sysmon/agent_config.hpp"
#include "sysmon/procfs.hpp"

namespace sysmon::agent {

// The configured name, else the kernel's, made fit for the wire (RFC 1123): other characters become hyphens.
[[nodiscard]] std::string host_name(const AgentConfig& config, const ProcRoot& root);

// True where a token sent to this URL can be read on the way: http, and not this machine itself.
[[nodiscard]] bool is_readable_on_the_way(std::string_view url);

}  // namespace sysmon::agent
