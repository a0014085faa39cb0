#include "sysmon/log.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "core/utf8.hpp"

namespace sysmon {
namespace {

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return "error: ";
    case LogLevel::warning:
      return "warning: ";
    case LogLevel::info:
      return "";
  }
  return "";
}

// JOURNAL_STREAM is "device:inode" of the stream systemd made; a child with another stderr inherits the
// variable too.
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat info{};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &info) != 0) return false;
  return std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino) == stream;
}

}  // namespace

std::string log_line(LogLevel level, std::string_view text, bool for_journal) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string line;
  if (for_journal) {
    line = "<" + std::to_string(static_cast<int>(level)) + ">";
  } else {
    line = name_of(level);
  }
  const auto escape = [&](unsigned char byte) {
    line += "\\x";
    line += kHex[byte >> 4U];
    line += kHex[byte & 15U];
  };
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::size_t length = utf8_length(text, at);
    // C2 80 to C2 9F are the second set of control characters.
    const bool is_c1 = byte == 0xc2 && length == 2 && static_cast<unsigned char>(text[at + 1]) < 0xa0;
    if (byte < 0x20 || byte == 0x7f || is_c1 || length == 0) {
      escape(byte);
      if (is_c1) escape(static_cast<unsigned char>(text[at + 1]));
      at += std::max<std::size_t>(length, 1);
    } else {
      line += text.substr(at, length);
      at += length;
    }
  }
  line += '\n';
  return line;
}

Log stderr_log() {
  return [for_journal = stderr_is_journal()](LogLevel level, std::string_view text) {
    const std::string line = log_line(level, text, for_journal);
    // One write: lines of two threads do not mix. A closed stderr is no reason to stop.
    while (::write(STDERR_FILENO, line.data(), line.size()) < 0 && errno == EINTR) {
    }
  };
}

}  // namespace sysmon
