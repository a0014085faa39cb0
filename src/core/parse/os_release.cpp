#include "sysmon/parse/os_release.hpp"

#include "sysmon/parse/fields.hpp"

namespace sysmon {
namespace {

// A value as a shell would read it: in quotes of either kind or none, a backslash takes the next character as
// it is.
std::string unquoted(std::string_view value) {
  value = trimmed(value);
  const char quote = value.empty() ? '\0' : value.front();
  const bool is_quoted = quote == '"' || quote == '\'';
  if (is_quoted) value.remove_prefix(1);
  std::string text;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (is_quoted && value[i] == quote) break;
    if (value[i] == '\\' && quote != '\'' && i + 1 < value.size()) ++i;
    text += value[i];
  }
  return text;
}

}  // namespace

std::string parse_os_release(std::string_view text) {
  std::string pretty;
  std::string name;
  std::string version;
  while (!text.empty()) {
    std::string_view value = take_line(text);
    const std::string_view key = trimmed(take_until(value, '='));
    if (key == "PRETTY_NAME") pretty = unquoted(value);
    if (key == "NAME") name = unquoted(value);
    if (key == "VERSION_ID") version = unquoted(value);
  }
  if (!pretty.empty()) return pretty;
  return version.empty() ? name : name + " " + version;
}

}  // namespace sysmon
