// A push of 250 metrics from the bytes on the wire to the journal row, and back from rows to columns.
//
// The values are an ordinary host's: percents of two decimals, byte and operation counters of all sizes, many
// zeros.
#include <benchmark/benchmark.h>
#include <libdeflate.h>

#include <array>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/store/inflate.hpp"
#include "core/store/push_parser.hpp"
#include "sysmon/columns.hpp"
#include "sysmon/last_values.hpp"
#include "sysmon/push_decoder.hpp"

namespace {

using sysmon::KeySets;
using sysmon::PushDecoder;

constexpr std::size_t kMetrics = 250;
constexpr std::int64_t kNow = 1'738'858'800'000;

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  double shorter = 0;
  for (int digits = 1; digits < 17; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, value);
    if (std::sscanf(text, "%lf", &shorter) == 1 && shorter == value) break;
  }
  return text;
}

// A batch as the agent writes it, at tick `tick`.
std::string push_json(std::uint64_t tick) {
  std::mt19937_64 random(tick);
  std::uniform_real_distribution<double> uniform(0, 1);
  const std::int64_t now = kNow + static_cast<std::int64_t>(tick) * 10'000;
  std::string json =
      R"({"hostname":"web01","version":"1.0.0","agent_id":"0d9f2c1e-5a77-4d0e-9b8a-1f2e3d4c5b6a",)"
      R"("boot_id":"b6f1d7aa-0a52-4b1c-9b59-30d7c3a2c111","boottime_ms":86400123,"interval":10,)"
      R"("tags":{"role":"web-server","datacenter":"us-east-1"},"timestamp":)" +
      number(static_cast<double>(now) / 1e3) + R"(,"metrics":[)";
  for (std::size_t i = 0; i < kMetrics; ++i) {
    const std::size_t kind = i % 10;
    const double grown = static_cast<double>((tick + 1'000'000) * (i * 37 + 1));
    double value = 0;
    std::string type;
    std::string tags;
    if (kind < 2) {
      type = "cpu.usage_percent";
      tags = R"(,"tags":{"mode":"m)" + std::to_string(i) + "\"}";
      value = std::round(uniform(random) * 1e4) / 1e2;
    } else if (kind == 2) {
      type = "pressure.total_seconds_" + std::to_string(i);
      value = std::round((grown / 1e3 + uniform(random)) * 1e6) / 1e6;
    } else if (kind < 6) {
      type = "diskio.read_bytes";
      tags = R"(,"tags":{"device":"sd)" + std::to_string(i) + "\"}";
      value = grown * 4096;
    } else if (kind < 8) {
      type = "memory.part_bytes_" + std::to_string(i);
      value = std::round(uniform(random) * 1e6) * 4096;
    } else {
      type = "network.errors_" + std::to_string(i);
      value = static_cast<double>(i % 3);
    }
    json += (i == 0 ? "" : ",") + (R"({"type":")" + type + R"(","value":)" + number(value) + tags + "}");
  }
  return json + "]}";
}

std::string gzip(const std::string& text) {
  const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> compressor(
      libdeflate_alloc_compressor(1), &libdeflate_free_compressor);
  std::string out(libdeflate_gzip_compress_bound(compressor.get(), text.size()), '\0');
  out.resize(libdeflate_gzip_compress(compressor.get(), text.data(), text.size(), out.data(), out.size()));
  return out;
}

void decode(benchmark::State& state, bool is_gzip) {
  PushDecoder decoder(std::make_shared<KeySets>(), {});
  std::vector<std::string> bodies;
  for (std::uint64_t tick = 0; tick < 64; ++tick)
    bodies.push_back(is_gzip ? gzip(push_json(tick)) : push_json(tick));
  std::size_t next = 0;
  std::size_t row_bytes = 0;
  for (auto _ : state) {
    const auto pushes = decoder.decode(bodies[next++ % bodies.size()], is_gzip, kNow + 3'600'000);
    row_bytes += pushes.batches.front().rows.front().payload.size();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kMetrics));
  state.counters["body_bytes"] = static_cast<double>(bodies.front().size());
  state.counters["row_bytes_per_sample"] =
      static_cast<double>(row_bytes) / static_cast<double>(state.iterations() * kMetrics);
}

void push_decode_250_gzip(benchmark::State& state) { decode(state, true); }
BENCHMARK(push_decode_250_gzip)->Unit(benchmark::kMicrosecond);

void push_decode_250_plain(benchmark::State& state) { decode(state, false); }
BENCHMARK(push_decode_250_plain)->Unit(benchmark::kMicrosecond);

// Of which: inflating, and parsing with the limits.
void push_inflate_250(benchmark::State& state) {
  const std::string body = gzip(push_json(0));
  sysmon::Inflater inflater;
  sysmon::PaddedBuffer buffer;
  for (auto _ : state) {
    std::string_view rest = body;
    std::string_view text;
    std::size_t left = 8U << 20U;
    std::uint32_t crc32 = 0;
    benchmark::DoNotOptimize(inflater.next(rest, left, 100, buffer, text, crc32));
  }
}
BENCHMARK(push_inflate_250)->Unit(benchmark::kMicrosecond);

void push_parse_250(benchmark::State& state) {
  std::string text = push_json(0);
  const std::size_t size = text.size();
  text.resize(size + 64);
  sysmon::PushParser parser;
  sysmon::SentSamples samples;
  for (auto _ : state) {
    sysmon::Push push;
    benchmark::DoNotOptimize(parser.parse({text.data(), size}, {}, kNow, push, samples));
  }
}
BENCHMARK(push_parse_250)->Unit(benchmark::kMicrosecond);

// An hour of one host, every ten seconds.
struct Hour {
  Hour() {
    PushDecoder decoder(key_sets, {});
    for (std::uint64_t tick = 0; tick < 360; ++tick) {
      auto pushes = decoder.decode(push_json(tick), false, kNow + 4'000'000);
      rows.push_back(std::move(pushes.batches.front().rows.front()));
    }
    for (const sysmon::Row& row : rows) stored.push_back({row.time_ms, row.payload});
  }
  [[nodiscard]] sysmon::StoredHost host() const { return {{}, stored}; }
  std::shared_ptr<KeySets> key_sets = std::make_shared<KeySets>();
  std::vector<sysmon::Row> rows;
  std::vector<sysmon::StoredRow> stored;
};

void read_rows_hour_of_all_250(benchmark::State& state) {
  const Hour hour;
  for (auto _ : state) {
    benchmark::DoNotOptimize(read_hosts(*hour.key_sets, std::array{hour.host()}, {}, 0, INT64_MAX));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kMetrics * hour.rows.size()));
}
BENCHMARK(read_rows_hour_of_all_250)->Unit(benchmark::kMicrosecond);

void read_rows_hour_of_one_series(benchmark::State& state) {
  const Hour hour;
  const sysmon::Selector selector{{{"network.errors_128"}}, {}};
  for (auto _ : state) {
    benchmark::DoNotOptimize(read_hosts(*hour.key_sets, std::array{hour.host()}, selector, 0, INT64_MAX));
  }
}
BENCHMARK(read_rows_hour_of_one_series)->Unit(benchmark::kMicrosecond);

void last_values_update_250(benchmark::State& state) {
  const Hour hour;
  sysmon::LastValues last(hour.key_sets);
  std::size_t next = 0;
  for (auto _ : state) {
    const sysmon::Row& row = hour.rows[next % hour.rows.size()];
    benchmark::DoNotOptimize(last.update(row.time_ms + static_cast<std::int64_t>(next), row.payload));
    ++next;
  }
}
BENCHMARK(last_values_update_250)->Unit(benchmark::kMicrosecond);

}  // namespace
