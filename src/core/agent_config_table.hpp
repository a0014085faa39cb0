// The table of settings with what each does to an AgentConfig: shared by the parser and the environment.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sysmon/agent_config.hpp"

namespace sysmon {

// What a file or a variable gave, before it is checked. Exactly the member of the setting's shape is filled.
struct RawValue {
  std::string text;
  std::vector<std::string> list;
  Tags map;
};

struct Setting {
  enum class Shape : std::uint8_t { text, list, map };
  SettingInfo info;
  Shape shape;
  // Checks and stores; what is wrong, or nothing.
  std::optional<std::string> (*assign)(AgentConfig& config, const RawValue& value);
  std::string (*canonical)(const AgentConfig& config);
};

[[nodiscard]] std::span<const Setting> settings();
[[nodiscard]] const Setting* find_setting(std::string_view key);

// "a, b" -> {a, b}; "k=v, l=w" -> {{k, v}, {l, w}}: what a list or map looks like in one word.
[[nodiscard]] std::optional<std::string> split_words(const Setting& setting, std::string_view text,
                                                     RawValue& out);

// Puts the environment's SYSMON_<KEY> variables over `config`.
void apply_environment(AgentConfig& config, const Environment& environment, std::vector<bool>& is_set,
                       std::vector<ConfigIssue>& issues);

// What only shows when all settings are known. `place` finds where in the file a key was set.
using Place = std::function<ConfigIssue(std::string_view key)>;
void check_together(const AgentConfig& config, const Place& place, std::vector<ConfigIssue>& issues);

// The known name nearest to `name`, if one is near enough to be meant.
[[nodiscard]] std::string_view nearest(std::string_view name, std::span<const std::string> known);

}  // namespace sysmon
