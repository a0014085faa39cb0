#include "agent/synthetic.hpp"

#include <charconv>

#include "sysmon/registry.hpp"

namespace sysmon::agent {
namespace {

constexpr MetricInfo kValue{
    .name = "synthetic.value", .tags = "index", .help = "A value computed from its place."};
constexpr MetricInfo kTick{.name = "synthetic.tick",
                           .help = "The tick the values of a batch were computed from."};

// https://prng.di.unimi.it/splitmix64.c
std::uint64_t splitmix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31U);
}

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

}  // namespace

double synthetic_value(std::uint64_t seed, std::string_view host, std::uint32_t index, std::uint64_t tick) {
  const std::uint64_t series = splitmix64(seed ^ fnv1a(host)) + index;
  return static_cast<double>(splitmix64(splitmix64(series) ^ tick) >> 40U) / 100.0;
}

MetricsCollector::OnTick synthetic_samples(const Synthetic& synthetic, std::string host) {
  return [synthetic, host = std::move(host)](const Tick& tick, SampleSink& out) {
    out.emit(out.series(kTick), static_cast<double>(tick.number));
    char text[16];
    for (std::uint32_t index = 0; index < synthetic.series; ++index) {
      const auto end = std::to_chars(text, text + sizeof text, index).ptr;
      const SeriesId id = out.series(kValue, {std::string_view(text, static_cast<std::size_t>(end - text))});
      out.emit(id, synthetic_value(synthetic.seed, host, index, tick.number));
    }
  };
}

void disable_collectors(MetricFilter& filter) {
  for (const CollectorInfo* collector : collectors()) {
    for (const MetricInfo& metric : collector->metrics) filter.disable.emplace_back(metric.name);
  }
}

}  // namespace sysmon::agent
