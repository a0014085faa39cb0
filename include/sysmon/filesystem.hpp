// FileSystemSpace: what statvfs says of a mounted file system; real_mounts: which mounts are worth asking.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sysmon/collector.hpp"
#include "sysmon/parse/mountinfo.hpp"
#include "sysmon/procfs.hpp"
#include "sysmon/result.hpp"

namespace sysmon {

struct FileSystemSpace {
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;       // root's reserve included
  std::uint64_t available_bytes = 0;  // what everybody may still use
  std::uint64_t inodes = 0;           // 0 where the file system has none of its own (btrfs, vfat)
  std::uint64_t inodes_free = 0;

  friend bool operator==(const FileSystemSpace&, const FileSystemSpace&) = default;
};

// Reads one mountpoint. On a live machine it is statvfs(3), and may block for as long as a server is away.
using ReadSpace = std::function<Result<FileSystemSpace>(const std::string& mountpoint)>;

// statvfs on the live machine; in a recorded tree its text file `statvfs`, not_found for mounts that are not
// in it. The function may be called by several threads at a time.
[[nodiscard]] ReadSpace space_reader(const ProcRoot& root);

// The recorded form: a line a mount, its mountpoint escaped as in mountinfo, then
//   <mountpoint> <f_frsize> <f_blocks> <f_bfree> <f_bavail> <f_files> <f_ffree>
//   <mountpoint> errno <number>                             where the call failed
// `#` begins a comment line. Returns the line's meaning for `mountpoint`.
// Error: not_found; malformed, with the line; what the recorded errno says.
Result<FileSystemSpace> parse_statvfs(std::string_view text, std::string_view mountpoint);

// The mounts that hold data of this host, in the file's order. Left out: what the kernel makes up (proc,
// cgroup, …), images that are full by nature (squashfs, iso9660), a container runtime's layers, mounts that a
// later one covers, all but one mount of a file system (the one of its root, else the shortest), and
// `filter.ignore_mounts`. tmpfs stays, where it can be written to: a full /tmp or /run stops a host as a full
// disk does.
[[nodiscard]] std::vector<Mount> real_mounts(std::vector<Mount> mounts, const DeviceFilter& filter);

// "/dev/vda1" -> "vda1", the name that /proc/diskstats uses; other sources as they are.
[[nodiscard]] std::string device_name(const Mount& mount);

}  // namespace sysmon
