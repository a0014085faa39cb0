// Violation: something that must hold did not. Ends the history that saw it.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace sysmon::sim {

// What the scoreboard counts it as (tests/faults/__main__.py).
enum class Kind : std::uint8_t {
  acked_lost,       // acknowledged, or sealed, and nowhere
  undeclared_lost,  // given up, and the server was not told
  duplicates,       // stored twice, or both stored and declared lost
  corrupt,          // other bytes than were sealed
  error             // a promise about time, attempts or healing
};
inline constexpr std::size_t kKinds = 5;

[[nodiscard]] constexpr const char* to_string(Kind kind) {
  constexpr const char* kWords[kKinds] = {"acked_lost", "undeclared_lost", "duplicates", "corrupt", "error"};
  return kWords[static_cast<std::size_t>(kind)];
}

class Violation : public std::runtime_error {
 public:
  Violation(Kind what_kind, const std::string& text) : std::runtime_error(text), kind(what_kind) {}
  Kind kind;
};

}  // namespace sysmon::sim
