// Log: one line per change of state, to stderr.
//
// Whoever logs takes a Log, so that tests see the lines and the state machine decides when there is something
// to say: "still failing" is not.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace sysmon {

// The numbers are those of syslog, which is what journald's prefix wants.
enum class LogLevel : std::uint8_t { error = 3, warning = 4, info = 6 };

using Log = std::function<void(LogLevel level, std::string_view text)>;

// The line as it is written: `<4>text` for journald, else `warning: text`. Control characters are shown as
// \xNN, so that nothing a server sent can steer a terminal or forge a second line.
[[nodiscard]] std::string log_line(LogLevel level, std::string_view text, bool for_journal);

// Writes whole lines to stderr, in journald's form where stderr is the journal (JOURNAL_STREAM). Any thread.
[[nodiscard]] Log stderr_log();

}  // namespace sysmon
