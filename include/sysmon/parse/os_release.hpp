// /etc/os-release: which distribution this is.
// https://www.freedesktop.org/software/systemd/man/os-release.html
#pragma once

#include <string>
#include <string_view>

namespace sysmon {

// The name for people: PRETTY_NAME ("Debian GNU/Linux 12 (bookworm)"), else NAME and VERSION_ID, else "".
// Lines that are not assignments mean nothing, so any text has an answer.
[[nodiscard]] std::string parse_os_release(std::string_view text);

}  // namespace sysmon
