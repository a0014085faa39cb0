#include "sysmon/facts.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "sysmon/parse/fields.hpp"
#include "sysmon/parse/os_release.hpp"
#include "sysmon/tag_text.hpp"

namespace sysmon {
namespace {

constexpr std::size_t kMaxOptionBytes = 512;  // overlay names its layers there, by the dozen

// A small file's text without its line end; "" where it cannot be read.
std::string text_of(const ProcRoot& root, std::string_view path) {
  const auto text = read_file(root.path(path));
  // The device tree ends its texts with NUL.
  return text ? std::string(trimmed(std::string_view(*text).substr(0, text->find('\0')))) : std::string();
}

bool exists(const ProcRoot& root, std::string_view path) { return read_file(root.path(path)).ok(); }

std::string read_arch(const ProcRoot& root) {
  if (!root.is_live()) return text_of(root, "/proc/sys/kernel/arch");
  utsname name{};
  return ::uname(&name) == 0 ? std::string(name.machine) : std::string();
}

std::string read_model(const ProcRoot& root) {
  const std::string vendor = text_of(root, "/sys/class/dmi/id/sys_vendor");
  const std::string product = text_of(root, "/sys/class/dmi/id/product_name");
  if (product.empty()) return text_of(root, "/proc/device-tree/model");
  return vendor.empty() || product.starts_with(vendor) ? product : vendor + " " + product;
}

// What hypervisors call themselves in the DMI tables, as systemd-detect-virt knows them.
std::string read_virtualization(const ProcRoot& root) {
  struct Hypervisor {
    std::string_view text;  // in the vendor or the product
    std::string_view name;
  };
  constexpr std::array<Hypervisor, 15> kKnown = {{{"KVM", "kvm"},
                                                  {"OpenStack", "kvm"},
                                                  {"QEMU", "kvm"},
                                                  {"VMware", "vmware"},
                                                  {"VirtualBox", "virtualbox"},
                                                  {"innotek GmbH", "virtualbox"},
                                                  {"Virtual Machine", "hyperv"},
                                                  {"Xen", "xen"},
                                                  {"HVM domU", "xen"},
                                                  {"Amazon EC2", "amazon"},
                                                  {"Google Compute Engine", "google"},
                                                  {"Parallels", "parallels"},
                                                  {"BHYVE", "bhyve"},
                                                  {"Apple Virtualization", "apple"},
                                                  {"Hetzner", "kvm"}}};
  const std::string dmi =
      text_of(root, "/sys/class/dmi/id/sys_vendor") + "\n" + text_of(root, "/sys/class/dmi/id/product_name");
  // Whatever the tables say, the processor tells whether there is a hypervisor: some clouds rent out bare
  // machines.
  const auto cpuinfo = read_file(root.path("/proc/cpuinfo"));
  const bool is_x86 = cpuinfo && cpuinfo->find("\nflags") != std::string::npos;
  const bool is_virtual = cpuinfo && cpuinfo->find(" hypervisor") != std::string::npos;
  if (is_x86 && !is_virtual) return "";
  for (const Hypervisor& known : kKnown) {
    if (dmi.find(known.text) != std::string::npos) return std::string(known.name);
  }
  if (const std::string type = text_of(root, "/sys/hypervisor/type"); !type.empty()) return tag_text(type);
  return is_virtual ? "vm" : "";
}

std::string read_container(const ProcRoot& root) {
  if (const std::string name = text_of(root, "/run/systemd/container"); !name.empty()) return tag_text(name);
  if (exists(root, "/.dockerenv")) return "docker";
  if (exists(root, "/run/.containerenv")) return "podman";
  const std::string cgroup = text_of(root, "/proc/1/cgroup");
  for (const std::string_view name : {"kubepods", "docker", "lxc"}) {
    if (cgroup.find("/" + std::string(name)) != std::string::npos) return std::string(name);
  }
  return "";
}

std::uint32_t read_cores(const ProcRoot& root) {
  const auto stat = read_file(root.path("/proc/stat"));
  if (!stat) return 0;
  std::uint32_t cores = 0;
  for (std::string_view text = *stat; !text.empty();) {
    const std::string_view line = take_line(text);
    if (line.size() > 3 && line.starts_with("cpu") && line[3] >= '0' && line[3] <= '9') ++cores;
  }
  return cores;
}

std::uint64_t read_memory(const ProcRoot& root) {
  const auto meminfo = read_file(root.path("/proc/meminfo"));
  if (!meminfo) return 0;
  for (std::string_view text = *meminfo; !text.empty();) {
    std::string_view line = take_line(text);
    if (take_word(line) == "MemTotal:") return to_number<std::uint64_t>(take_word(line)).value_or(0) * 1024;
  }
  return 0;
}

// "rw,relatime" and "rw,discard" -> "rw,relatime,discard"
std::string all_options(const Mount& mount) {
  std::string options = mount.options;
  const std::string known = "," + mount.options + ",";
  for (std::string_view rest = mount.super_options; !rest.empty();) {
    const std::string option(take_until(rest, ','));
    // The mount's own rw or ro is the one that counts here.
    if (option == "rw" || option == "ro" || known.find("," + option + ",") != std::string::npos) continue;
    options += "," + option;
  }
  return tag_text(options, kMaxOptionBytes);
}

}  // namespace

HostInfo read_host_info(const ProcRoot& root) {
  std::string os = parse_os_release(text_of(root, "/etc/os-release"));
  if (os.empty()) os = parse_os_release(text_of(root, "/usr/lib/os-release"));
  return {tag_text(os), tag_text(text_of(root, "/proc/sys/kernel/osrelease")), tag_text(read_arch(root)),
          tag_text(read_model(root))};
}

Result<std::string> read_boot_id(const ProcRoot& root) {
  const std::string path = root.path("/proc/sys/kernel/random/boot_id");
  const auto text = read_file(path);
  if (!text) return text.error();
  const std::string_view id = trimmed(*text);
  const bool is_id = id.size() == 36 && std::all_of(id.begin(), id.end(), [](char c) {
                       return c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                     });
  if (!is_id) return Error::malformed(path, tag_text(id));
  return std::string(id);
}

FactsReader::FactsReader(const ProcRoot& root, DeviceFilter filter)
    : FactsReader(root, std::move(filter), space_reader(root), system_clock()) {}

FactsReader::FactsReader(const ProcRoot& root, DeviceFilter filter, ReadSpace read, const Clock& clock)
    : root_(root),
      filter_(std::move(filter)),
      read_(std::move(read)),
      clock_(clock),
      calls_(kPatience, clock) {}

Facts FactsReader::read() {
  Facts facts;
  facts.host = read_host_info(root_);
  facts.cores = read_cores(root_);
  facts.memory_bytes = read_memory(root_);
  facts.virtualization = read_virtualization(root_);
  facts.container = read_container(root_);
  facts.mounts = read_mounts();
  return facts;
}

const std::string& FactsReader::json() {
  const std::int64_t now = clock_.mono_ns();
  if (json_.empty() || now >= json_until_ns_) {
    json_ = to_json(read());
    json_until_ns_ = now + std::chrono::nanoseconds(kEvery).count();
  }
  return json_;
}

std::vector<MountFact> FactsReader::read_mounts() {
  const auto text = read_file(root_.path("/proc/self/mountinfo"));
  std::vector<Mount> mounts;
  if (!text || !parse_mountinfo(*text, mounts)) return {};
  mounts = real_mounts(std::move(mounts), filter_);
  std::sort(mounts.begin(), mounts.end(),
            [](const Mount& a, const Mount& b) { return a.mountpoint < b.mountpoint; });
  if (mounts.size() > Facts::kMaxMounts) mounts.resize(Facts::kMaxMounts);

  std::vector<std::shared_ptr<Answer<std::uint64_t>>> sizes;
  for (const Mount& mount : mounts) {
    sizes.push_back(std::make_shared<Answer<std::uint64_t>>());
    if (mount.fstype == "zfs") continue;
    calls_.start(mount.device_number + " " + mount.mountpoint,
                 [read = read_, size = sizes.back(), path = mount.mountpoint] {
                   const auto space = read(path);
                   if (space) size->set(space->total_bytes);
                 });
  }
  calls_.wait(kPatience + kPatience);  // ends earlier: when every call has answered or is stuck

  std::vector<MountFact> facts;
  facts.reserve(mounts.size());
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    facts.push_back({tag_text(mounts[i].mountpoint), device_name(mounts[i]), tag_text(mounts[i].fstype),
                     all_options(mounts[i]), sizes[i]->take()});
  }
  return facts;
}

std::string to_json(const Facts& facts) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  const auto add = [&](const char* key, const std::string& text) {
    if (!text.empty()) json[key] = text;
  };
  add("os", facts.host.os);
  add("kernel", facts.host.kernel);
  add("arch", facts.host.arch);
  add("model", facts.host.model);
  if (facts.cores > 0) json["cores"] = facts.cores;
  if (facts.memory_bytes > 0) json["memory_bytes"] = facts.memory_bytes;
  add("virtualization", facts.virtualization);
  add("container", facts.container);
  auto& mounts = json["mounts"] = nlohmann::ordered_json::object();
  for (const MountFact& mount : facts.mounts) {
    auto& entry = mounts[mount.mountpoint];
    entry["device"] = mount.device;
    entry["fstype"] = mount.fstype;
    entry["options"] = mount.options;
    if (mount.size_bytes) entry["size_bytes"] = *mount.size_bytes;
  }
  return json.dump();
}

}  // namespace sysmon
