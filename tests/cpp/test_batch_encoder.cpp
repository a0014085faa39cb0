#include <doctest/doctest.h>
#include <zlib.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "sysmon/batch_encoder.hpp"

using namespace sysmon;
using nlohmann::json;

namespace {

constexpr MetricInfo kUsage{.name = "cpu.total_usage", .unit = Unit::percent};
constexpr MetricInfo kSent{
    .name = "network.bytes_sent", .unit = Unit::bytes, .kind = Kind::counter, .tags = "interface"};

SampleBatch batch_of(std::vector<Sample> samples, SeriesList series) {
  SampleBatch batch;
  batch.wall_ms = 1'738'858'800'007;
  batch.boottime_ms = 86'400'123;
  batch.series = std::make_shared<const SeriesList>(std::move(series));
  batch.samples = std::move(samples);
  return batch;
}

std::string number_of(double value) {
  BatchEncoder encoder;
  const SampleBatch batch = batch_of({{0, value}}, {{&kUsage, {}}});
  const std::string text(encoder.json(batch, batch.samples));
  const std::string_view before = "\"value\":";
  const std::size_t begin = text.find(before);
  return begin == std::string::npos
             ? ""
             : text.substr(begin + before.size(), text.find('}', begin) - begin - before.size());
}

std::string inflated(std::string_view packed) {
  std::string text(1U << 20U, '\0');
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  std::string input(packed);
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
  CHECK(stream.avail_in == 0);  // exactly one member
  text.resize(stream.total_out);
  inflateEnd(&stream);
  return text;
}

}  // namespace

TEST_CASE("a batch is written as the wire says") {
  BatchEncoder encoder;
  encoder.set_envelope(
      {"web01", {{"role", "web-server"}}, std::chrono::milliseconds(10'000), "an-id", "a-boot"});
  const SampleBatch batch =
      batch_of({{0, 4.25}, {1, 123456789}}, {{&kUsage, {}}, {&kSent, {{"interface", "eth0"}}}});
  CHECK(encoder.json(batch, batch.samples, R"({"cores":4})") ==
        R"({"hostname":"web01","version":")" SYSMON_VERSION
        R"(","tags":{"role":"web-server"},"agent_id":"an-id","boot_id":"a-boot","interval":10,)"
        R"("timestamp":1738858800.007,"boottime_ms":86400123,"facts":{"cores":4},"metrics":[)"
        R"({"type":"cpu.total_usage","value":4.25},)"
        R"({"type":"network.bytes_sent","tags":{"interface":"eth0"},"value":123456789}]})");
}

TEST_CASE("nothing known is a heartbeat") {
  BatchEncoder encoder;
  encoder.set_envelope({.hostname = "a",
                        .host_tags = {},
                        .interval = std::chrono::milliseconds(500),
                        .agent_id = {},
                        .boot_id = {}});
  const SampleBatch batch = batch_of({}, {});
  const json document = json::parse(encoder.json(batch, batch.samples));
  CHECK(document["metrics"].empty());
  CHECK(document["interval"] == 0.5);
  CHECK(!document.contains("agent_id"));
  CHECK(!document.contains("tags"));
  CHECK(!document.contains("facts"));
}

TEST_CASE("numbers are short and read back bit for bit") {
  CHECK(number_of(0) == "0");
  CHECK(number_of(4.2) == "4.2");
  CHECK(number_of(-1) == "-1");
  CHECK(number_of(1e6) == "1000000");
  CHECK(number_of(0x1p53) == "9007199254740992");
  for (const double value : {0.1, -0.0, 1e-7, 1.0 / 3, 0x1p53 + 2, 1e300, 5e-324, 1.7976931348623157e308,
                             18446744073709551615.0, -2.5e-9}) {
    const double back = json::parse(number_of(value)).get<double>();
    CHECK(back == value);
    CHECK(std::signbit(back) == std::signbit(value));
  }
}

TEST_CASE("what is not finite and what is retired is left out") {
  CHECK(number_of(std::numeric_limits<double>::infinity()) == "");
  CHECK(number_of(std::numeric_limits<double>::quiet_NaN()) == "");
  BatchEncoder encoder;
  const SampleBatch batch = batch_of({{0, 1}, {1, 2}, {7, 3}}, {{nullptr, {}}, {&kUsage, {}}});
  CHECK(json::parse(encoder.json(batch, batch.samples))["metrics"].dump() ==
        R"([{"type":"cpu.total_usage","value":2}])");
}

TEST_CASE("any bytes in a name make a valid string") {
  const auto text = [](std::string_view bytes) {
    std::string out;
    append_json_string(out, bytes);
    return out;
  };
  CHECK(text("a\"b\\c") == R"("a\"b\\c")");
  CHECK(text(std::string_view("\n\t\0\x1f", 4)) == R"("\u000a\u0009\u0000\u001f")");
  CHECK(text("größe €😀") == "\"größe €😀\"");
  CHECK(text("\xff") == "\"\xef\xbf\xbd\"");
  CHECK(text("\xc0\x80") == "\"\xef\xbf\xbd\xef\xbf\xbd\"");                  // overlong
  CHECK(text("\xed\xa0\x80") == "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");  // a surrogate
  CHECK(text("\xe2\x82") == "\"\xef\xbf\xbd\xef\xbf\xbd\"");                  // cut
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string bytes = {static_cast<char>(first), static_cast<char>(second)};
      CHECK(json::accept(text(bytes)));
    }
  }
}

TEST_CASE("a new list of series is noticed, a retired slot may be another series") {
  BatchEncoder encoder;
  const SampleBatch first = batch_of({{0, 1}}, {{&kSent, {{"interface", "eth0"}}}});
  CHECK(encoder.json(first, first.samples).find("eth0") != std::string_view::npos);
  const SampleBatch second = batch_of({{0, 1}}, {{&kSent, {{"interface", "eth1"}}}});
  CHECK(encoder.json(second, second.samples).find("eth1") != std::string_view::npos);
}

TEST_CASE("gzip gives one member that inflates to the text, again and again") {
  BatchEncoder encoder;
  for (const std::size_t size : {0U, 1U, 20'000U, 100U, 300'000U}) {
    std::string text;
    while (text.size() < size) text += std::to_string(text.size() * 2654435761U) + ",";
    CHECK(inflated(encoder.gzip(text)) == text);
  }
}
