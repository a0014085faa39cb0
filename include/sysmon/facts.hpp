// Facts: what a host is rather than does, for the wire's `facts` object.
//
// They are sent when they change and once an hour, so their JSON text is the same as long as nothing has
// changed. What is not known is left out.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sysmon/clock.hpp"
#include "sysmon/filesystem.hpp"
#include "sysmon/procfs.hpp"
#include "sysmon/result.hpp"
#include "sysmon/watched_calls.hpp"

namespace sysmon {

// What `system.info` says too. Every text is fit to be a tag's value; "" where unknown.
struct HostInfo {
  std::string os;      // "Debian GNU/Linux 12 (bookworm)"; /etc/os-release
  std::string kernel;  // "6.1.0-18-amd64"; /proc/sys/kernel/osrelease
  std::string arch;    // "x86_64"; uname -m, in a recorded tree /proc/sys/kernel/arch (since 6.1)
  std::string model;   // "Dell Inc. PowerEdge R740"; DMI or device tree

  friend bool operator==(const HostInfo&, const HostInfo&) = default;
};

struct MountFact {
  std::string mountpoint;
  std::string device;
  std::string fstype;
  std::string options;  // of the mount, then those of the file system that it does not name
  std::optional<std::uint64_t>
      size_bytes;  // absent where it hangs, and on zfs, whose datasets share their pool

  friend bool operator==(const MountFact&, const MountFact&) = default;
};

struct Facts {
  HostInfo host;
  std::uint32_t cores = 0;         // logical CPUs online
  std::uint64_t memory_bytes = 0;  // MemTotal
  std::string virtualization;  // "kvm", "vmware", …; "vm" for a hypervisor without a name; "" on bare metal
  std::string container;       // "docker", "podman", "lxc", …; "" outside
  std::vector<MountFact> mounts;  // sorted by mountpoint, at most kMaxMounts

  static constexpr std::size_t kMaxMounts = 100;
  friend bool operator==(const Facts&, const Facts&) = default;
};

// {"os": …, "kernel": …, "arch": …, "model": …, "cores": …, "memory_bytes": …, "virtualization": …,
// "container": …,
//  "mounts": {"/": {"device": …, "fstype": …, "options": …, "size_bytes": …}}} in this order, without blanks.
[[nodiscard]] std::string to_json(const Facts& facts);

[[nodiscard]] HostInfo read_host_info(const ProcRoot& root);

// The kernel's random id of this boot: "0a1b…-…". Rates never cross a boot.
Result<std::string> read_boot_id(const ProcRoot& root);

// Threads: one at a time. Keep it between readings: it remembers which mounts hang, so that only the first
// reading after one began to hang waits for it, at most kPatience.
class FactsReader {
 public:
  explicit FactsReader(const ProcRoot& root, DeviceFilter filter = {});
  // With what a test replaces. `clock` must outlive the reader.
  FactsReader(const ProcRoot& root, DeviceFilter filter, ReadSpace read, const Clock& clock);

  [[nodiscard]] Facts read();
  // The facts' JSON text, read anew once in kEvery: cheap enough to be asked for at every push.
  [[nodiscard]] const std::string& json();

  static constexpr std::chrono::seconds kPatience{2};
  static constexpr std::chrono::minutes kEvery{5};

 private:
  [[nodiscard]] std::vector<MountFact> read_mounts();

  ProcRoot root_;
  DeviceFilter filter_;
  ReadSpace read_;
  const Clock& clock_;
  std::string json_;
  std::int64_t json_until_ns_ = 0;  // CLOCK_MONOTONIC
  WatchedCalls calls_;
};

}  // namespace sysmon
