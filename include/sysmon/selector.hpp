// Selector: which series a reader asks for. Matched against keys, once per key set and never per sample.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sysmon/key_sets.hpp"

namespace sysmon {

struct Selector {
  std::optional<std::vector<std::string>> types;  // exact, or a prefix ending in "*"; nullopt is every type
  std::vector<std::pair<std::string, std::string>> tags;  // all of them must be there; other tags may be, too

  [[nodiscard]] bool matches(const Key& key) const;
};

}  // namespace sysmon
