// network: what the interfaces carry.
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/collectors/all.hpp"
#include "core/collectors/device_list.hpp"
#include "sysmon/parse/fields.hpp"
#include "sysmon/parse/net_dev.hpp"
#include "sysmon/tag_text.hpp"

namespace sysmon {
namespace {

constexpr MetricInfo counter(std::string_view name, Unit unit, std::string_view help,
                             std::string_view source) {
  return {
      .name = name, .unit = unit, .kind = Kind::counter, .tags = "interface", .help = help, .source = source};
}

constexpr std::array kMetrics = {
    counter("network.bytes_sent", Unit::bytes, "Bytes sent.", "/proc/net/dev, transmit bytes"),
    counter("network.bytes_recv", Unit::bytes, "Bytes received.", "/proc/net/dev, receive bytes"),
    counter("network.packets_sent", Unit::none, "Packets sent.", "/proc/net/dev, transmit packets"),
    counter("network.packets_recv", Unit::none, "Packets received.", "/proc/net/dev, receive packets"),
    counter("network.errors_out", Unit::none, "Packets that could not be sent for an error.",
            "/proc/net/dev, transmit errs"),
    counter("network.errors_in", Unit::none, "Packets that came in damaged.", "/proc/net/dev, receive errs"),
    counter("network.drops_out", Unit::none, "Packets thrown away before they were sent.",
            "/proc/net/dev, transmit drop"),
    counter("network.drops_in", Unit::none, "Packets thrown away on arrival: no room, or nobody wanted them.",
            "/proc/net/dev, receive drop"),
    MetricInfo{.name = "network.up",
               .unit = Unit::boolean,
               .tags = "interface",
               .help = "1 where the interface can carry traffic. Read once a minute.",
               .source = "/sys/class/net/*/{operstate,flags}",
               .formula = "operstate is up; or unknown (loopback and tunnels do not tell) and IFF_UP is set"},
    MetricInfo{.name = "network.speed_bytes",
               .unit = Unit::bytes_per_second,
               .tags = "interface",
               .help = "Speed of the link; absent for virtual interfaces. Read once a minute.",
               .source = "/sys/class/net/*/speed",
               .formula = "Mbit/s × 125000",
               .since = "2.6.33"},
    MetricInfo{.name = "network.mtu_bytes",
               .unit = Unit::bytes,
               .tags = "interface",
               .help = "Largest packet the interface takes. Read once a minute.",
               .source = "/sys/class/net/*/mtu"},
    MetricInfo{.name = "network.carrier_changes",
               .kind = Kind::counter,
               .tags = "interface",
               .help = "How often the link came or went. Read once a minute.",
               .source = "/sys/class/net/*/carrier_changes",
               .since = "3.15"}};

// Positions in kMetrics; in its order.
enum Index : std::size_t {
  kBytesSent,
  kBytesRecv,
  kPacketsSent,
  kPacketsRecv,
  kErrorsOut,
  kErrorsIn,
  kDropsOut,
  kDropsIn,
  kUp,
  kSpeed,
  kMtu,
  kCarrierChanges
};

constexpr std::int64_t kAttributesNs = 60'000'000'000;  // they hardly change, and are a file each
constexpr unsigned kIffUp = 1;

struct Device {
  bool is_wanted = false;
  bool has_series = false;
  std::array<SeriesId, kMetrics.size()> series{};
  std::int64_t read_ns = INT64_MIN;  // when the attributes were
  std::optional<double> up;
  std::optional<double> speed;
  std::optional<double> mtu;
  std::optional<double> carrier_changes;
};

class Network final : public Collector {
 public:
  explicit Network(const CollectorContext& context)
      : files_(context.files),
        ignored_(context.devices.ignore_interfaces),
        net_dev_(files_.file("/proc/net/dev")) {}

  Result<void> collect(const Tick& tick, SampleSink& out) override {
    const auto text = net_dev_.read();
    if (!text) return text.error();
    if (auto parsed = parse_net_dev(*text, interfaces_); !parsed) return parsed;
    devices_.begin();
    for (const NetDev& interface : interfaces_) {
      Device& device = devices_.meet(interface.interface, [&] {
        Device made;
        made.is_wanted = !DeviceFilter::matches(ignored_, interface.interface);
        return made;
      });
      if (device.is_wanted) emit(interface, tick, device, out);
    }
    devices_.end([&](const Device& gone) {
      if (!gone.has_series) return;
      for (const SeriesId series : gone.series) out.retire(series);
    });
    return {};
  }

 private:
  void emit(const NetDev& interface, const Tick& tick, Device& device, SampleSink& out) {
    if (!device.has_series) {
      const std::string name = tag_text(interface.interface);
      for (std::size_t i = 0; i < kMetrics.size(); ++i) device.series[i] = out.series(kMetrics[i], {name});
      device.has_series = true;
    }
    if (device.read_ns == INT64_MIN || tick.mono_ns - device.read_ns >= kAttributesNs) {
      device.read_ns = tick.mono_ns;
      read_attributes(interface.interface, device);
    }
    const auto add = [&](Index index, std::uint64_t value) {
      out.emit(device.series[index], static_cast<double>(value));
    };
    add(kBytesSent, interface.bytes_sent);
    add(kBytesRecv, interface.bytes_recv);
    add(kPacketsSent, interface.packets_sent);
    add(kPacketsRecv, interface.packets_recv);
    add(kErrorsOut, interface.errors_out);
    add(kErrorsIn, interface.errors_in);
    add(kDropsOut, interface.drops_out);
    add(kDropsIn, interface.drops_in);
    const auto add_known = [&](Index index, const std::optional<double>& value) {
      if (value) out.emit(device.series[index], *value);
    };
    add_known(kUp, device.up);
    add_known(kSpeed, device.speed);
    add_known(kMtu, device.mtu);
    add_known(kCarrierChanges, device.carrier_changes);
  }

  void read_attributes(std::string_view interface, Device& device) {
    device.up = read_up(interface);
    device.mtu = read_number(interface, "mtu");
    device.carrier_changes = read_number(interface, "carrier_changes");
    // -1 or EINVAL where there is no link or no such thing as a speed.
    device.speed = read_number(interface, "speed");
    if (device.speed) *device.speed *= 125'000;
  }

  std::optional<double> read_up(std::string_view interface) {
    const auto state = read(interface, "operstate");
    if (!state) return std::nullopt;
    if (*state == "up") return 1;
    if (*state != "unknown") return 0;
    auto flags = read(interface, "flags");  // "0x1003"
    if (!flags || !flags->starts_with("0x")) return std::nullopt;
    flags->remove_prefix(2);
    const auto bits = to_number<unsigned>(*flags, 16);
    if (!bits) return std::nullopt;
    return (*bits & kIffUp) != 0 ? 1 : 0;
  }

  std::optional<double> read_number(std::string_view interface, std::string_view attribute) {
    const auto text = read(interface, attribute);
    const auto value = text ? to_number<std::uint32_t>(*text) : std::nullopt;
    return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
  }

  std::optional<std::string_view> read(std::string_view interface, std::string_view attribute) {
    path_.assign("/sys/class/net/").append(interface).append("/").append(attribute);
    const auto text = files_.read_attribute(path_);
    return text ? std::optional(trimmed(*text)) : std::nullopt;
  }

  KernelFiles& files_;
  std::vector<std::string> ignored_;
  KernelFile& net_dev_;
  std::vector<NetDev> interfaces_;  // this tick's
  DeviceList<Device> devices_;
  std::string path_;
};

}  // namespace

constexpr CollectorInfo kNetworkCollector{
    .name = "network",
    .metrics = kMetrics,
    .make = [](const CollectorContext& context) -> std::unique_ptr<Collector> {
      return std::make_unique<Network>(context);
    }};

}  // namespace sysmon
