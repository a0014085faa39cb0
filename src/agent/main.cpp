// sysmon-agent: options, configuration, wiring.
#include <cstdio>

#include "agent/options.hpp"
#include "sysmon/agent_config.hpp"

namespace sysmon::agent {
namespace {

// Every issue on stderr; what the run ends with if one of them is an error.
std::optional<int> report(const LoadedConfig& loaded) {
  for (const ConfigIssue& issue : loaded.issues) {
    const char* level = issue.level == ConfigIssue::Level::error ? "error" : "warning";
    std::fprintf(stderr, "%s: %s\n", level, issue.text().c_str());
  }
  if (loaded.unsafe()) return kUnsafeFile;
  if (!loaded.ok()) return kConfiguration;
  return std::nullopt;
}

int run(const Options& options) {
  const LoadedConfig loaded = load_agent_config(options.config, process_environment());
  return report(loaded).value_or(kOk);
}

}  // namespace
}  // namespace sysmon::agent

int main(int argc, char** argv) {
  const auto parsed = sysmon::agent::parse_options(argc, argv);
  if (parsed.exit_code) return *parsed.exit_code;
  return sysmon::agent::run(parsed.options);
}
