#include "sysmon/parse/mountinfo.hpp"

#include "sysmon/parse/fields.hpp"

namespace sysmon {
namespace {

bool is_octal(char c) { return c >= '0' && c <= '7'; }

// Fields are parted by exactly one blank: a source may be empty (mount("", …)), and then two blanks meet.
bool parse_line(std::string_view line, Mount& mount) {
  take_until(line, ' ');  // mount id
  take_until(line, ' ');  // parent id
  mount.device_number = take_until(line, ' ');
  mount.root = unescape_mount(take_until(line, ' '));
  mount.mountpoint = unescape_mount(take_until(line, ' '));
  mount.options = take_until(line, ' ');
  // Any number of optional fields ("shared:1"), ended by a hyphen.
  for (;;) {
    if (line.empty()) return false;
    if (take_until(line, ' ') == "-") break;
  }
  mount.fstype = unescape_mount(take_until(line, ' '));
  mount.source = unescape_mount(take_until(line, ' '));
  mount.super_options = line;
  return mount.device_number.find(':') != std::string::npos && mount.mountpoint.starts_with('/') &&
         !mount.fstype.empty() && !mount.super_options.empty();
}

}  // namespace

bool Mount::is_readonly() const { return super_options == "ro" || super_options.starts_with("ro,"); }

std::string unescape_mount(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  while (!text.empty()) {
    if (text.size() >= 4 && text[0] == '\\' && text[1] <= '3' && is_octal(text[1]) && is_octal(text[2]) &&
        is_octal(text[3])) {
      bytes += static_cast<char>((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
      text.remove_prefix(4);
    } else {
      bytes += text.front();
      text.remove_prefix(1);
    }
  }
  return bytes;
}

Result<void> parse_mountinfo(std::string_view text, std::vector<Mount>& out) {
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    Mount mount;
    if (!parse_line(line, mount)) return Error::malformed("mountinfo", line);
    out.push_back(std::move(mount));
  }
  return {};
}

}  // namespace sysmon
