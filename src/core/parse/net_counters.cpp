#include "sysmon/parse/net_counters.hpp"

#include <algorithm>

#include "sysmon/parse/fields.hpp"
#include "sysmon/tag_text.hpp"

namespace sysmon {

NetCounterParser::NetCounterParser(std::span<const NetCounter> wanted) : wanted_(wanted) {
  for (const NetCounter& counter : wanted_) {
    const bool known = std::any_of(protocols_.begin(), protocols_.end(), [&](const Protocol& protocol) {
      return protocol.name == counter.protocol;
    });
    if (!known) protocols_.push_back({counter.protocol, {}, {}});
  }
}

void NetCounterParser::find_columns(Protocol& protocol, std::string_view names) {
  protocol.names = names;
  protocol.columns.clear();
  take_word(names);  // "Tcp:"
  for (std::size_t position = 0;; ++position) {
    const std::string_view name = take_word(names);
    if (name.empty()) return;
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      if (wanted_[i].protocol == protocol.name && wanted_[i].name == name) {
        protocol.columns.push_back({position, i});
      }
    }
  }
}

Result<void> NetCounterParser::parse(std::string_view text, std::span<std::optional<std::uint64_t>> out) {
  std::fill(out.begin(), out.end(), std::nullopt);
  while (!text.empty()) {
    const std::string_view names = take_line(text);
    std::string_view values = take_line(text);
    const std::string_view name = names.substr(0, names.find(':'));
    const auto protocol = std::find_if(protocols_.begin(), protocols_.end(),
                                       [&](const Protocol& known) { return known.name == name; });
    if (protocol == protocols_.end()) continue;
    if (take_word(values) != names.substr(0, name.size() + 1)) {
      return Error::malformed(name, "the line of names is not followed by its line of values");
    }
    if (protocol->names != names) find_columns(*protocol, names);
    std::size_t position = 0;
    for (const Column& column : protocol->columns) {
      for (; position < column.position; ++position) take_word(values);
      const std::string_view word = take_word(values);
      ++position;
      const auto value = to_number<std::uint64_t>(word);
      if (!value) {
        return Error::malformed(name, std::string(wanted_[column.wanted].name) + " is '" + tag_text(word) +
                                          "', expected a number");
      }
      out[column.wanted] = value;
    }
  }
  return {};
}

}  // namespace sysmon
