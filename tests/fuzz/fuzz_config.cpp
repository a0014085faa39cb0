// Any text as the agent's configuration: settings or complaints with a place, never an exception; what is right is
// right again in the spelling that we give it.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sysmon/agent_config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sysmon;  // NOLINT(google-build-using-namespace)
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ParsedConfig parsed = parse_agent_config(text, "agent.yaml");
  for (const ConfigIssue& issue : validate_agent_config(text)) {
    if (issue.message.empty() || issue.text().empty()) std::abort();
  }
  const auto settings = agent_settings(text);
  if (settings.size() != agent_setting_table().size()) std::abort();
  if (!parsed.ok()) return 0;
  for (const ConfigSetting& setting : settings) {
    if (setting.info.unit == "duration") {
      const auto duration = parse_duration(setting.value);
      if (!duration || format_duration(*duration) != setting.value) std::abort();
    }
    if (setting.info.unit == "size") {
      const auto bytes = parse_size(setting.value);
      if (!bytes || format_size(*bytes) != setting.value) std::abort();
    }
  }
  return 0;
}
