#include "sysmon/selector.hpp"

#include <algorithm>

namespace sysmon {

namespace {

bool matches_type(std::string_view pattern, std::string_view type) {
  return pattern.ends_with('*') ? type.starts_with(pattern.substr(0, pattern.size() - 1)) : type == pattern;
}

}  // namespace

bool Selector::matches(const Key& key) const {
  if (types && std::ranges::none_of(*types, [type = key.type()](const std::string& pattern) {
        return matches_type(pattern, type);
      })) {
    return false;
  }
  return std::ranges::all_of(tags, [&key](const auto& wanted) {
    const std::string_view value = key.tag(wanted.first);
    return value.data() != nullptr && value == wanted.second;
  });
}

}  // namespace sysmon
