// raid: Linux software RAID. From /proc/mdstat, whose reading takes a spin lock only; the attributes below
// /sys/block/md*/md wait for the array's mutex, which is held for as long as a broken disk takes to answer.
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/collectors/all.hpp"
#include "sysmon/parse/mdstat.hpp"

namespace sysmon {
namespace {

constexpr std::string_view kSource = "/proc/mdstat";

constexpr std::array kMetrics = {
    MetricInfo{.name = "raid.degraded",
               .unit = Unit::boolean,
               .tags = "array",
               .help = "1 while the array has fewer disks in sync than it should, or is not running.",
               .source = kSource,
               .formula = "1 if m < n in [n/m], or the array is inactive"},
    MetricInfo{.name = "raid.disks",
               .tags = "array,state",
               .help = "Disks of the array by state.",
               .source = kSource,
               .formula = "active: m of [n/m]; missing: n − m; failed: marked (F); spare: marked (S)"},
    MetricInfo{.name = "raid.sync_percent",
               .unit = Unit::percent,
               .tags = "array",
               .help = "How far a resync, recovery, reshape or check has come; absent when none runs.",
               .source = kSource,
               .formula = "100 × done / total, from the progress line"},
};

enum Index : std::size_t { kDegraded, kDisks, kSync };

void add_array(const MdArray& array, std::vector<Reading>& out) {
  const bool has_redundancy = array.slots > 0;
  const std::uint32_t missing = array.slots > array.in_sync ? array.slots - array.in_sync : 0;
  const std::uint32_t others = array.failed + array.spare;
  const std::uint32_t working = array.members > others ? array.members - others : 0;
  const auto add_disks = [&](std::string_view state, std::uint32_t count) {
    out.push_back({&kMetrics[kDisks], {array.name, std::string(state)}, static_cast<double>(count)});
  };
  out.push_back({&kMetrics[kDegraded], {array.name}, missing > 0 || !array.is_active ? 1.0 : 0.0});
  add_disks("active", has_redundancy ? array.in_sync : working);
  if (has_redundancy) add_disks("missing", missing);
  add_disks("failed", array.failed);
  add_disks("spare", array.spare);
  if (array.sync_percent) out.push_back({&kMetrics[kSync], {array.name}, *array.sync_percent});
}

class Raid final : public SlowCollector {
 public:
  explicit Raid(const ProcRoot& root) : path_(root.path("/proc/mdstat")) {}

  Result<void> gather(std::vector<Reading>& out) override {
    const auto text = read_file(path_);
    if (!text) return text.error();
    std::vector<MdArray> arrays;
    if (auto parsed = parse_mdstat(*text, arrays); !parsed) return parsed;
    std::erase_if(arrays, [](const MdArray& array) { return array.is_container; });
    if (arrays.empty()) return Error{Error::Kind::not_found, path_, "no array", 0};
    for (const MdArray& array : arrays) add_array(array, out);
    return {};
  }

 private:
  std::string path_;
};

}  // namespace

constexpr CollectorInfo kRaidCollector{
    .name = "raid",
    .metrics = kMetrics,
    .interval = std::chrono::seconds(60),
    .make_slow = [](const CollectorContext& context) -> std::unique_ptr<SlowCollector> {
      return std::make_unique<Raid>(context.root);
    }};

}  // namespace sysmon
