// systemd: how many units are in which state, and whether the services that matter run.
//
// Not every unit gets a series: a host has hundreds, mostly devices, mounts and jobs that ran once at boot. A
// service gets one from the moment it is seen running, and keeps it while it is loaded, so that 1 becomes 0
// when it stops; systemd keeps enabled services loaded, and unloads others when they end. Whatever has failed
// gets one too.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/collectors/all.hpp"
#include "core/collectors/systemd_bus.hpp"
#include "sysmon/parse/fields.hpp"
#include "sysmon/tag_text.hpp"

namespace sysmon {
namespace {

constexpr std::string_view kSource = "org.freedesktop.systemd1.Manager.ListUnits";

constexpr std::array kMetrics = {
    MetricInfo{.name = "systemd.units",
               .tags = "state",
               .help = "Loaded units by active state.",
               .source = kSource,
               .formula = "count of units by ActiveState"},
    MetricInfo{.name = "systemd.unit_active",
               .unit = Unit::boolean,
               .tags = "unit",
               .help = "1 while the unit is active: services that run or have run since the agent started, "
                       "and failed units.",
               .source = kSource,
               .formula = "1 if ActiveState is active or reloading"},
};

enum Index : std::size_t { kUnits, kUnitActive };

constexpr std::array<std::string_view, 6> kStates = {"active", "reloading",  "inactive",
                                                     "failed", "activating", "deactivating"};

// Above this a host has a swarm of generated units, and nobody reads a series each.
constexpr std::size_t kMaxUnits = 200;

class Systemd final : public SlowCollector {
 public:
  explicit Systemd(std::unique_ptr<SystemdBus> bus) : bus_(std::move(bus)) {}

  Result<void> gather(std::vector<Reading>& out) override {
    std::vector<SystemdUnit> units;
    if (auto listed = bus_->list_units(units); !listed) return listed;
    std::sort(units.begin(), units.end(), [](const auto& a, const auto& b) { return a.name < b.name; });

    std::array<std::uint64_t, kStates.size()> counts{};
    std::set<std::string> still_known;
    std::size_t emitted = 0;
    for (const SystemdUnit& unit : units) {
      const auto state = std::find(kStates.begin(), kStates.end(), unit.active_state);
      if (state != kStates.end()) ++counts[static_cast<std::size_t>(state - kStates.begin())];
      const bool has_run = is_running_service(unit) || has_run_.contains(unit.name);
      if (has_run) still_known.insert(unit.name);
      if ((!has_run && unit.active_state != "failed") || emitted == kMaxUnits) continue;
      ++emitted;
      const bool is_active = unit.active_state == "active" || unit.active_state == "reloading";
      out.push_back({&kMetrics[kUnitActive], {tag_text(unit.name)}, is_active ? 1.0 : 0.0});
    }
    has_run_ = std::move(still_known);
    for (std::size_t i = 0; i < counts.size(); ++i) {
      out.push_back({&kMetrics[kUnits], {std::string(kStates[i])}, static_cast<double>(counts[i])});
    }
    return {};
  }

 private:
  static bool is_running_service(const SystemdUnit& unit) {
    // run-*.service is what systemd-run made for one command.
    return unit.sub_state == "running" && unit.name.ends_with(".service") && !unit.name.starts_with("run-");
  }

  std::unique_ptr<SystemdBus> bus_;
  std::set<std::string> has_run_;
};

class RecordedBus final : public SystemdBus {
 public:
  explicit RecordedBus(const ProcRoot& root) : path_(root.path("/systemd_units")) {}
  Result<void> list_units(std::vector<SystemdUnit>& out) override {
    const auto text = read_file(path_);
    if (!text) return text.error();
    return parse_systemd_units(*text, out);
  }

 private:
  std::string path_;
};

}  // namespace

Result<void> parse_systemd_units(std::string_view text, std::vector<SystemdUnit>& out) {
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    std::string_view fields = line;
    std::string_view name = take_word(fields);
    if (name == "●" || name == "*") name = take_word(fields);
    take_word(fields);  // load state
    const std::string_view active_state = take_word(fields);
    const std::string_view sub_state = take_word(fields);
    if (sub_state.empty()) return Error::malformed("systemd_units", tag_text(line));
    out.push_back({std::string(name), std::string(active_state), std::string(sub_state)});
  }
  return {};
}

std::unique_ptr<SystemdBus> make_recorded_bus(const ProcRoot& root) {
  return std::make_unique<RecordedBus>(root);
}

std::unique_ptr<SlowCollector> make_systemd_collector(std::unique_ptr<SystemdBus> bus) {
  return std::make_unique<Systemd>(std::move(bus));
}

constexpr CollectorInfo kSystemdCollector{
    .name = "systemd",
    .metrics = kMetrics,
    .interval = std::chrono::seconds(60),
    .make_slow = [](const CollectorContext& context) -> std::unique_ptr<SlowCollector> {
      return make_systemd_collector(context.root.is_live() ? make_system_bus()
                                                           : make_recorded_bus(context.root));
    }};

}  // namespace sysmon
