// sockets: how many there are, and the memory TCP holds for them. Off by default.
#include <unistd.h>

#include <array>
#include <memory>

#include "core/collectors/all.hpp"
#include "sysmon/parse/sockstat.hpp"

namespace sysmon {
namespace {

constexpr std::array kMetrics = {
    MetricInfo{.name = "sockets.used",
               .help = "Sockets of every protocol that are open now.",
               .source = "/proc/net/sockstat sockets used",
               .default_on = false},
    MetricInfo{.name = "tcp.memory_bytes",
               .unit = Unit::bytes,
               .help = "Memory held by the buffers of TCP sockets.",
               .source = "/proc/net/sockstat TCP mem",
               .formula = "pages × page size",
               .default_on = false},
};

class Sockets final : public Collector {
 public:
  explicit Sockets(KernelFiles& files) : sockstat_(files.file("/proc/net/sockstat")) {}

  Result<void> collect(const Tick& /*tick*/, SampleSink& out) override {
    const auto text = sockstat_.read();
    if (!text) return text.error();
    const auto sockstat = parse_sockstat(*text);
    if (!sockstat) return sockstat.error();
    if (sockstat->sockets_used) {
      out.emit(out.series(kMetrics[0]), static_cast<double>(*sockstat->sockets_used));
    }
    if (sockstat->tcp_memory_pages) {
      static const auto kPageBytes = static_cast<double>(::sysconf(_SC_PAGESIZE));
      out.emit(out.series(kMetrics[1]), static_cast<double>(*sockstat->tcp_memory_pages) * kPageBytes);
    }
    return {};
  }

 private:
  KernelFile& sockstat_;
};

}  // namespace

constexpr CollectorInfo kSocketsCollector{
    .name = "sockets",
    .metrics = kMetrics,
    .make = [](const CollectorContext& context) -> std::unique_ptr<Collector> {
      return std::make_unique<Sockets>(context.files);
    }};

}  // namespace sysmon
