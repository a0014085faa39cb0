// udp: datagrams, and those nobody got. Off by default.
#include <array>
#include <memory>
#include <string_view>

#include "core/collectors/all.hpp"
#include "core/collectors/net_counters.hpp"

namespace sysmon {
namespace {

constexpr MetricInfo counter(std::string_view name, std::string_view help, std::string_view source) {
  return {.name = name, .kind = Kind::counter, .help = help, .source = source, .default_on = false};
}

constexpr std::array kMetrics = {
    counter("udp.datagrams_in", "Datagrams delivered to programs.", "/proc/net/snmp Udp InDatagrams"),
    counter("udp.datagrams_out", "Datagrams sent.", "/proc/net/snmp Udp OutDatagrams"),
    counter("udp.in_errors", "Datagrams that could not be delivered, for any reason but a closed port.",
            "/proc/net/snmp Udp InErrors"),
    counter("udp.recv_buffer_errors", "Datagrams dropped because a program did not read them in time.",
            "/proc/net/snmp Udp RcvbufErrors"),
    counter("udp.send_buffer_errors", "Datagrams not sent because the send buffer was full.",
            "/proc/net/snmp Udp SndbufErrors"),
    counter("udp.no_ports", "Datagrams to a port where nobody listens.", "/proc/net/snmp Udp NoPorts"),
};

constexpr std::array kCounters = {
    NetCounter{"Udp", "InDatagrams"},  NetCounter{"Udp", "OutDatagrams"}, NetCounter{"Udp", "InErrors"},
    NetCounter{"Udp", "RcvbufErrors"}, NetCounter{"Udp", "SndbufErrors"}, NetCounter{"Udp", "NoPorts"},
};
static_assert(kMetrics.size() == kCounters.size());

class Udp final : public Collector {
 public:
  explicit Udp(KernelFiles& files) : snmp_(files.file("/proc/net/snmp"), kCounters, kMetrics) {}

  Result<void> collect(const Tick& /*tick*/, SampleSink& out) override { return snmp_.collect(out); }

 private:
  NetCounterSeries snmp_;
};

}  // namespace

constexpr CollectorInfo kUdpCollector{
    .name = "udp",
    .metrics = kMetrics,
    .make = [](const CollectorContext& context) -> std::unique_ptr<Collector> {
      return std::make_unique<Udp>(context.files);
    }};

}  // namespace sysmon
