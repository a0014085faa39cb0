#include "sysmon/filesystem.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <unordered_map>

#include "sysmon/parse/fields.hpp"
#include "sysmon/tag_text.hpp"

namespace sysmon {
namespace {

// No storage behind them, or images that are 100 % full from the day they were made.
constexpr std::array<std::string_view, 37> kUnreal = {
    "autofs",     "binder",          "binfmt_misc", "bpf",         "cgroup",        "cgroup2",
    "configfs",   "cramfs",          "debugfs",     "devpts",      "devtmpfs",      "efivarfs",
    "erofs",      "fuse.gvfsd-fuse", "fuse.lxcfs",  "fuse.portal", "fuse.snapfuse", "fuse.squashfuse",
    "fusectl",    "hugetlbfs",       "iso9660",     "mqueue",      "nfsd",          "nsfs",
    "proc",       "pstore",          "ramfs",       "resctrl",     "romfs",         "rootfs",
    "rpc_pipefs", "securityfs",      "selinuxfs",   "smackfs",     "squashfs",      "sysfs",
    "tracefs"};

// Below these nothing is a place where somebody keeps data.
constexpr std::array<std::string_view, 12> kUnrealBelow = {"/proc/",
                                                           "/sys/",
                                                           "/dev/",
                                                           "/run/credentials/",
                                                           "/run/user/",
                                                           "/run/docker/",
                                                           "/run/netns/",
                                                           "/snap/",
                                                           "/run/containerd/",
                                                           "/var/lib/docker/",
                                                           "/var/lib/containerd/",
                                                           "/var/lib/containers/storage/"};

// Files that container runtimes bind from the host's disk: its figures would pass for the container's.
constexpr std::array<std::string_view, 3> kBoundFiles = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"};

bool is_real(const Mount& mount) {
  if (std::find(kUnreal.begin(), kUnreal.end(), mount.fstype) != kUnreal.end()) return false;
  if (std::find(kBoundFiles.begin(), kBoundFiles.end(), mount.mountpoint) != kBoundFiles.end()) return false;
  if (mount.mountpoint == "/dev/shm") return true;  // POSIX shared memory: databases live in it
  if (std::any_of(kUnrealBelow.begin(), kUnrealBelow.end(),
                  [&](std::string_view prefix) { return mount.mountpoint.starts_with(prefix); })) {
    return false;
  }
  if (mount.fstype == "overlay")
    return mount.mountpoint == "/";  // a container's own root, not the layers of others
  if (mount.fstype == "tmpfs")
    return !mount.is_readonly() && !mount.mountpoint.starts_with("/var/lib/kubelet/");
  return true;
}

// Which of two mounts of one file system stands for it.
bool is_better(const Mount& mount, const Mount& than) {
  const bool whole = mount.root == "/";
  if (whole != (than.root == "/")) return whole;
  return mount.mountpoint.size() < than.mountpoint.size();
}

Result<FileSystemSpace> parse_numbers(std::string_view fields, std::string_view line) {
  std::array<std::uint64_t, 6> numbers{};
  for (std::uint64_t& number : numbers) {
    const auto value = to_number<std::uint64_t>(take_word(fields));
    if (!value) return Error::malformed("statvfs", line);
    number = *value;
  }
  const auto [unit, blocks, free, available, inodes, inodes_free] = numbers;
  return FileSystemSpace{blocks * unit, free * unit, available * unit, inodes, inodes_free};
}

Result<FileSystemSpace> call_statvfs(const std::string& mountpoint) {
  struct statvfs info{};
  int failed = 0;
  do {
    failed = ::statvfs(mountpoint.c_str(), &info) == 0 ? 0 : errno;
  } while (failed == EINTR);
  if (failed != 0) return Error::from_errno(tag_text(mountpoint), "statvfs", failed);
  const std::uint64_t unit = info.f_frsize;
  return FileSystemSpace{info.f_blocks * unit, info.f_bfree * unit, info.f_bavail * unit, info.f_files,
                         info.f_ffree};
}

}  // namespace

ReadSpace space_reader(const ProcRoot& root) {
  if (root.is_live()) return call_statvfs;
  return [path = root.path("/statvfs")](const std::string& mountpoint) -> Result<FileSystemSpace> {
    auto text = read_file(path);
    if (!text) return text.error();
    return parse_statvfs(*text, mountpoint);
  };
}

Result<FileSystemSpace> parse_statvfs(std::string_view text, std::string_view mountpoint) {
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.empty() || line.front() == '#') continue;
    std::string_view fields = line;
    if (unescape_mount(take_word(fields)) != mountpoint) continue;
    std::string_view failure = fields;
    if (take_word(failure) == "errno") {
      const auto number = to_number<int>(take_word(failure));
      if (!number || *number <= 0) return Error::malformed("statvfs", line);
      return Error::from_errno(tag_text(mountpoint), "statvfs", *number);
    }
    return parse_numbers(fields, line);
  }
  return Error{Error::Kind::not_found, tag_text(mountpoint), "not in the recorded statvfs", 0};
}

std::vector<Mount> real_mounts(std::vector<Mount> mounts, const DeviceFilter& filter) {
  std::unordered_map<std::string, std::size_t> top;  // mountpoint -> the mount on top there
  for (std::size_t i = 0; i < mounts.size(); ++i) top[mounts[i].mountpoint] = i;

  std::unordered_map<std::string, std::size_t> chosen;  // device number -> its mount
  std::vector<bool> keep(mounts.size());
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    const Mount& mount = mounts[i];
    if (top[mount.mountpoint] != i || !is_real(mount)) continue;
    if (DeviceFilter::matches(filter.ignore_mounts, mount.mountpoint)) continue;
    const auto [known, is_new] = chosen.emplace(mount.device_number, i);
    if (!is_new && !is_better(mount, mounts[known->second])) continue;
    keep[known->second] = false;
    keep[i] = true;
    known->second = i;
  }
  std::vector<Mount> real;
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    if (keep[i]) real.push_back(std::move(mounts[i]));
  }
  return real;
}

std::string device_name(const Mount& mount) {
  constexpr std::string_view kDev = "/dev/";
  std::string_view source = mount.source;
  if (source.starts_with(kDev)) source.remove_prefix(kDev.size());
  return tag_text(source);
}

}  // namespace sysmon
