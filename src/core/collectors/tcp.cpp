// tcp: connections, retransmissions and what was lost at listening sockets.
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "core/collectors/all.hpp"
#include "core/collectors/net_counters.hpp"
#include "sysmon/parse/sockstat.hpp"

namespace sysmon {
namespace {

constexpr MetricInfo counter(std::string_view name, std::string_view help, std::string_view source) {
  return {.name = name, .kind = Kind::counter, .help = help, .source = source};
}

// The counters of snmp, then those of netstat, then the gauges of sockstat: the order of the tables below.
constexpr std::array kMetrics = {
    MetricInfo{.name = "tcp.established",
               .help = "Connections that are open now, of IPv4 and IPv6.",
               .source = "/proc/net/snmp Tcp CurrEstab"},
    counter("tcp.retransmits", "Segments sent again: loss on the way, or a peer that is gone.",
            "/proc/net/snmp Tcp RetransSegs"),
    counter("tcp.segments_out", "Segments sent, without those sent again.", "/proc/net/snmp Tcp OutSegs"),
    counter("tcp.segments_in", "Segments received.", "/proc/net/snmp Tcp InSegs"),
    counter("tcp.resets_out", "Connections ended by a reset of ours.", "/proc/net/snmp Tcp OutRsts"),
    counter("tcp.in_errors", "Segments received that were damaged.", "/proc/net/snmp Tcp InErrs"),
    counter("tcp.listen_overflows", "Connections lost because a program did not accept them in time.",
            "/proc/net/netstat TcpExt ListenOverflows"),
    counter("tcp.listen_drops", "Connections lost at a listening socket for any reason.",
            "/proc/net/netstat TcpExt ListenDrops"),
    counter("tcp.timeouts", "Retransmission timers that ran out.", "/proc/net/netstat TcpExt TCPTimeouts"),
    counter("tcp.syncookies_sent", "SYN cookies sent because a listen queue was full.",
            "/proc/net/netstat TcpExt SyncookiesSent"),
    MetricInfo{.name = "tcp.sockets",
               .tags = "state",
               .help = "TCP sockets by state: in_use (IPv4, not closed), orphan (no process holds it), "
                       "time_wait, allocated.",
               .source = "/proc/net/sockstat TCP"},
};

constexpr std::array kSnmp = {
    NetCounter{"Tcp", "CurrEstab"}, NetCounter{"Tcp", "RetransSegs"}, NetCounter{"Tcp", "OutSegs"},
    NetCounter{"Tcp", "InSegs"},    NetCounter{"Tcp", "OutRsts"},     NetCounter{"Tcp", "InErrs"},
};
constexpr std::array kNetstat = {
    NetCounter{"TcpExt", "ListenOverflows"},
    NetCounter{"TcpExt", "ListenDrops"},
    NetCounter{"TcpExt", "TCPTimeouts"},
    NetCounter{"TcpExt", "SyncookiesSent"},
};
constexpr std::size_t kSocketsMetric = kSnmp.size() + kNetstat.size();
static_assert(kMetrics.size() == kSocketsMetric + 1);

struct State {
  std::string_view name;
  std::optional<std::uint64_t> Sockstat::* member;
};
constexpr std::array kStates = {
    State{"in_use", &Sockstat::tcp_inuse},
    State{"orphan", &Sockstat::tcp_orphan},
    State{"time_wait", &Sockstat::tcp_time_wait},
    State{"allocated", &Sockstat::tcp_alloc},
};

class Tcp final : public Collector {
 public:
  explicit Tcp(KernelFiles& files)
      : snmp_(files.file("/proc/net/snmp"), kSnmp, std::span(kMetrics).first(kSnmp.size())),
        netstat_(files.file("/proc/net/netstat"), kNetstat,
                 std::span(kMetrics).subspan(kSnmp.size(), kNetstat.size())),
        sockstat_(files.file("/proc/net/sockstat")) {}

  Result<void> collect(const Tick& /*tick*/, SampleSink& out) override {
    if (const auto done = snmp_.collect(out); !done) return done;
    if (const auto done = netstat_.collect(out); !done) return done;
    const auto text = sockstat_.read();
    if (!text) return text.error();
    const auto sockstat = parse_sockstat(*text);
    if (!sockstat) return sockstat.error();
    for (std::size_t i = 0; i < kStates.size(); ++i) {
      const auto& value = (*sockstat).*kStates[i].member;
      if (!value) continue;
      if (states_[i] == kNoSeries) states_[i] = out.series(kMetrics[kSocketsMetric], {kStates[i].name});
      out.emit(states_[i], static_cast<double>(*value));
    }
    return {};
  }

 private:
  NetCounterSeries snmp_;
  NetCounterSeries netstat_;
  KernelFile& sockstat_;
  std::array<SeriesId, kStates.size()> states_{kNoSeries, kNoSeries, kNoSeries, kNoSeries};
};

}  // namespace

constexpr CollectorInfo kTcpCollector{
    .name = "tcp",
    .metrics = kMetrics,
    .make = [](const CollectorContext& context) -> std::unique_ptr<Collector> {
      return std::make_unique<Tcp>(context.files);
    }};

}  // namespace sysmon
