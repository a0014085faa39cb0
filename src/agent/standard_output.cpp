#include "agent/standard_output.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace sysmon::agent {

ExitCode print(std::string_view text) {
  const bool is_written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (is_written) return kOk;
  if (errno != EPIPE)  // who closed a pipe knows
    std::fprintf(stderr, "error: stdout cannot be written: %s\n", std::strerror(errno));
  return kUnexpected;
}

}  // namespace sysmon::agent
