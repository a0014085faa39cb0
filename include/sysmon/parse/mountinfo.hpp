// /proc/self/mountinfo: what is mounted where.
// https://docs.kernel.org/filesystems/proc.html, section 3.5
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sysmon/result.hpp"

namespace sysmon {

// One line:
//   36 35 98:0 /mnt1 /mnt\0402 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
struct Mount {
  std::string device_number;  // "98:0": the same for all mounts of one file system
  std::string
      root;  // "/mnt1": what of the file system is mounted; "/" unless it is a bind mount or subvolume
  std::string
      mountpoint;       // "/mnt 2": the kernel's octal escapes are undone, so any byte but NUL may be in it
  std::string options;  // "rw,noatime": of this mount
  std::string fstype;   // "ext3"
  std::string source;   // "/dev/root", "server:/export"; may be empty
  std::string super_options;  // "rw,errors=continue": of the file system, whatever this mount makes of it

  // The file system itself is read-only: mounted so, or after an error. A read-only bind of a writable one is
  // not.
  [[nodiscard]] bool is_readonly() const;

  friend bool operator==(const Mount&, const Mount&) = default;
};

// Appends every mount, in the file's order: a later mount covers an earlier one of the same mountpoint.
// Error: malformed, with the line, when a known column is missing.
Result<void> parse_mountinfo(std::string_view text, std::vector<Mount>& out);

// "/mnt\0402" -> "/mnt 2". A backslash that is not followed by three octal digits stays.
[[nodiscard]] std::string unescape_mount(std::string_view text);

}  // namespace sysmon
