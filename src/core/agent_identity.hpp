// Who an agent is: agent_id, which a host keeps for life, and stream, which is new at every start.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "sysmon/result.hpp"
#include "sysmon/state_files.hpp"

namespace sysmon {

using Random = std::function<std::uint64_t()>;

// 32 hexadecimal digits.
[[nodiscard]] std::string make_stream(const Random& random);

inline constexpr const char* kAgentIdFile = "agent_id";

// The UUID in that file. Error not_found where there is none; malformed where it holds something else.
[[nodiscard]] Result<std::string> read_agent_id(Files& files);

// The same; made and kept on the first call, or where the file holds something else.
// Error: it can neither be read nor kept.
[[nodiscard]] Result<std::string> read_or_make_agent_id(Files& files, const Random& random);

}  // namespace sysmon
