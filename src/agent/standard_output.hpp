// What a run that ends by itself has to say.
#pragma once

#include <string_view>

#include "agent/options.hpp"

namespace sysmon::agent {

// Writes all of `text` to stdout; kOk, or kUnexpected once stderr was told why it could not.
[[nodiscard]] ExitCode print(std::string_view text);

}  // namespace sysmon::agent
