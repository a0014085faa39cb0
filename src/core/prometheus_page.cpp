#include <array>
#include <charconv>

#include "sysmon/prometheus.hpp"

namespace sysmon {
namespace {

void append_escaped(std::string& out, std::string_view text, bool in_quotes) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\\' || (in_quotes && c == '"')) {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
}

std::string label_text(const Tags& labels) {
  std::string text;
  for (const Tag& label : labels) {
    text += text.empty() ? "{" : ",";
    text += label.key;
    text += "=\"";
    append_escaped(text, label.value, true);
    text += '"';
  }
  if (!text.empty()) text += '}';
  return text;
}

std::string number_text(double value) {
  std::array<char, 32> digits{};  // the longest double is 24 characters
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

}  // namespace

void PrometheusPage::add(const PrometheusName& name, const Tags& labels, double value) {
  Family& family = families_[name.name];
  if (family.head.empty()) {
    family.head = "# HELP " + name.name + ' ';
    append_escaped(family.head, name.help, false);
    family.head += "\n# TYPE " + name.name + ' ';
    family.head += name.kind;
    family.head += '\n';
  }
  family.lines.try_emplace(label_text(labels), number_text(value));
}

std::string PrometheusPage::text() const {
  std::string text;
  for (const auto& [name, family] : families_) {
    text += family.head;
    for (const auto& [labels, value] : family.lines) {
      text += name;
      text += labels;
      text += ' ';
      text += value;
      text += '\n';
    }
  }
  return text;
}

}  // namespace sysmon
