// The wire's JSON for people and for golden files: one member a line, one metric a line.
#pragma once

#include <string>
#include <string_view>

namespace sysmon::agent {

// `compact` is one JSON object without blanks between its parts. The values stay as they are written.
[[nodiscard]] std::string pretty_json(std::string_view compact);

}  // namespace sysmon::agent
