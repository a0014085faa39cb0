// Any value of one setting, as SYSMON_<KEY> gives it: URLs, names, durations, sizes, lists, maps. The first byte says
// which, by its place in the table.
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "sysmon/agent_config.hpp"

namespace {

bool is_safe_url(const std::string& url) {
  if (url.empty()) return true;
  const bool is_http = url.starts_with("http://") || url.starts_with("https://");
  return is_http && std::all_of(url.begin(), url.end(), [](char c) {
           return c > ' ' && c < '\x7f' && std::string_view("@?#").find(c) == std::string_view::npos;
         });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sysmon;  // NOLINT(google-build-using-namespace)
  if (size == 0) return 0;
  const auto table = agent_setting_table();
  const std::string_view key = table[data[0] % table.size()].key;
  std::string variable = "SYSMON_";
  for (const char c : key) {
    variable += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  const std::string value(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Environment environment = [&](std::string_view name) {
    return name == variable ? std::optional(value) : std::nullopt;
  };
  const ParsedConfig parsed = parse_agent_config("", "agent.yaml", environment);
  const AgentConfig& config = parsed.config;
  if (!is_safe_url(config.aggregator_url) || !is_safe_url(config.proxy)) std::abort();
  if (config.hostname.size() > 253 || config.host_tags.size() > 16) std::abort();
  if (config.push_interval.count() <= 0 || config.collect_interval.count() <= 0) std::abort();
  (void)state_directory(config, environment);
  return 0;
}
