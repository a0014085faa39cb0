#include "agent/pretty_json.hpp"

namespace sysmon::agent {

std::string pretty_json(std::string_view compact) {
  std::string out;
  out.reserve(compact.size() * 2);
  std::string open;  // the brackets around the present place: "{[{"
  bool in_string = false;
  const auto line = [&] { out += '\n' + std::string(2 * open.size(), ' '); };
  // Members of the outermost object, and the elements of the lists in it, have a line each.
  const auto is_spread = [&] { return open == "{" || open == "{["; };
  for (std::size_t i = 0; i < compact.size(); ++i) {
    const char c = compact[i];
    if (in_string) {
      out += c;
      if (c == '\\') out += compact[++i];
      if (c == '"') in_string = false;
      continue;
    }
    const bool is_empty = i + 1 < compact.size() && (compact[i + 1] == '}' || compact[i + 1] == ']');
    switch (c) {
      case '"':
        in_string = true;
        out += c;
        break;
      case '{':
      case '[':
        out += c;
        open += c;
        if (is_spread() && !is_empty) line();
        break;
      case '}':
      case ']': {
        const bool was_empty = out.back() == '{' || out.back() == '[';
        const bool was_spread = is_spread();
        open.pop_back();
        if (was_spread && !was_empty) line();
        out += c;
        break;
      }
      case ',':
        out += c;
        if (is_spread()) {
          line();
        } else {
          out += ' ';
        }
        break;
      case ':':
        out += ": ";
        break;
      default:
        out += c;
    }
  }
  return out + '\n';
}

}  // namespace sysmon::agent
