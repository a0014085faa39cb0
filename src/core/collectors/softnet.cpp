// softnet: packets that were lost or late between the network card and the stack, per CPU. Off by default.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/collectors/all.hpp"
#include "sysmon/parse/softnet_stat.hpp"

namespace sysmon {
namespace {

constexpr std::array kMetrics = {
    MetricInfo{.name = "softnet.dropped",
               .kind = Kind::counter,
               .tags = "core",
               .help = "Packets dropped because the CPU's backlog was full.",
               .source = "/proc/net/softnet_stat column 2",
               .default_on = false},
    MetricInfo{.name = "softnet.squeezed",
               .kind = Kind::counter,
               .tags = "core",
               .help = "Times the CPU stopped receiving with packets left, because its budget ran out.",
               .source = "/proc/net/softnet_stat column 3",
               .default_on = false},
};

class Softnet final : public Collector {
 public:
  explicit Softnet(KernelFiles& files) : file_(files.file("/proc/net/softnet_stat")) {}

  Result<void> collect(const Tick& /*tick*/, SampleSink& out) override {
    const auto text = file_.read();
    if (!text) return text.error();
    stats_.clear();
    if (const auto parsed = parse_softnet_stat(*text, stats_); !parsed) return parsed;
    for (std::size_t i = 0; i < stats_.size(); ++i) {
      const SoftnetStat& stat = stats_[i];
      // A CPU that goes offline takes its line with it, and the lines after it move up.
      if (i >= lines_.size()) lines_.emplace_back();
      Line& line = lines_[i];
      if (line.cpu != stat.cpu) {
        const std::string core = std::to_string(stat.cpu);
        line = {stat.cpu, out.series(kMetrics[0], {core}), out.series(kMetrics[1], {core})};
      }
      out.emit(line.dropped, stat.dropped);
      out.emit(line.squeezed, stat.squeezed);
    }
    return {};
  }

 private:
  struct Line {
    std::uint32_t cpu = UINT32_MAX;  // none yet
    SeriesId dropped = kNoSeries;
    SeriesId squeezed = kNoSeries;
  };
  KernelFile& file_;
  std::vector<SoftnetStat> stats_;
  std::vector<Line> lines_;
};

}  // namespace

constexpr CollectorInfo kSoftnetCollector{
    .name = "softnet",
    .metrics = kMetrics,
    .make = [](const CollectorContext& context) -> std::unique_ptr<Collector> {
      return std::make_unique<Softnet>(context.files);
    }};

}  // namespace sysmon
