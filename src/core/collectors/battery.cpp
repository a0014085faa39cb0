// battery: the batteries that run the host. Mice and headsets have some too; those are not its own.
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/collectors/all.hpp"
#include "sysmon/directory.hpp"
#include "sysmon/parse/fields.hpp"
#include "sysmon/percent.hpp"
#include "sysmon/tag_text.hpp"

namespace sysmon {
namespace {

constexpr std::array kMetrics = {
    MetricInfo{
        .name = "battery.charge_percent",
        .unit = Unit::percent,
        .tags = "battery",
        .help = "How full the battery is.",
        .source = "/sys/class/power_supply/<battery>/energy_now, charge_now, capacity",
        .formula = "100 × energy_now / energy_full, else the same of charge, else capacity; at most 100"},
    MetricInfo{.name = "battery.power_watts",
               .unit = Unit::watts,
               .tags = "battery",
               .help = "Power going into the battery or out of it.",
               .source = "/sys/class/power_supply/<battery>/power_now",
               .formula = "|power_now|, else |current_now × voltage_now|"},
    MetricInfo{.name = "battery.charging",
               .unit = Unit::boolean,
               .tags = "battery",
               .help = "1 while the battery is being charged.",
               .source = "/sys/class/power_supply/<battery>/status",
               .formula = "1 if Charging; absent if Unknown"},
};

enum Index : std::size_t { kCharge, kPower, kCharging };

class Battery final : public SlowCollector {
 public:
  explicit Battery(const ProcRoot& root) : folder_(root.path("/sys/class/power_supply")) {}

  Result<void> gather(std::vector<Reading>& out) override {
    const auto names = list_directory(folder_);
    if (!names) return names.error();
    bool found = false;
    for (const std::string& name : *names) {
      if (text_of(name, "type") != "Battery" || text_of(name, "scope") == "Device") continue;
      if (text_of(name, "present") == "0") continue;  // the bay is empty
      found = true;
      add(name, out);
    }
    if (!found) return Error{Error::Kind::not_found, folder_, "no battery", 0};
    return {};
  }

 private:
  void add(const std::string& name, std::vector<Reading>& out) const {
    const std::vector<std::string> tags = {tag_text(name)};
    if (const auto charge = charge_percent(name)) out.push_back({&kMetrics[kCharge], tags, *charge});
    if (const auto power = power_watts(name)) out.push_back({&kMetrics[kPower], tags, *power});
    const std::string status = text_of(name, "status");
    if (!status.empty() && status != "Unknown") {
      out.push_back({&kMetrics[kCharging], tags, status == "Charging" ? 1.0 : 0.0});
    }
  }

  [[nodiscard]] std::optional<double> charge_percent(const std::string& name) const {
    for (const std::string quantity : {"energy", "charge"}) {
      const auto now = number_of(name, quantity + "_now");
      const auto full = number_of(name, quantity + "_full");
      // An aged battery may hold more than it thinks.
      if (now && full && *now >= 0 && *full > 0) return std::fmin(percent_of(*now, *full), 100.0);
    }
    return number_of(name, "capacity");
  }

  [[nodiscard]] std::optional<double> power_watts(const std::string& name) const {
    // Some drivers count what flows out as negative.
    if (const auto micro_watts = number_of(name, "power_now")) return std::fabs(*micro_watts) / 1e6;
    const auto micro_amperes = number_of(name, "current_now");
    const auto micro_volts = number_of(name, "voltage_now");
    if (!micro_amperes || !micro_volts) return std::nullopt;
    return std::fabs(*micro_amperes * *micro_volts) / 1e12;
  }

  // "" and nullopt where the driver has no such attribute, or not now (ENODEV while it is being re-plugged).
  [[nodiscard]] std::string text_of(const std::string& name, const std::string& attribute) const {
    const auto text = read_file(folder_ + "/" + name + "/" + attribute);
    return text ? std::string(trimmed(*text)) : std::string();
  }
  [[nodiscard]] std::optional<double> number_of(const std::string& name, const std::string& attribute) const {
    const auto number = to_number<std::int64_t>(text_of(name, attribute));
    return number ? std::optional(static_cast<double>(*number)) : std::nullopt;
  }

  std::string folder_;
};

}  // namespace

constexpr CollectorInfo kBatteryCollector{
    .name = "battery",
    .metrics = kMetrics,
    .interval = std::chrono::seconds(60),
    .make_slow = [](const CollectorContext& context) -> std::unique_ptr<SlowCollector> {
      return std::make_unique<Battery>(context.root);
    }};

}  // namespace sysmon
