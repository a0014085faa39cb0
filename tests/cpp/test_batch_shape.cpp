#include "core/store/batch_shape.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <random>

#include "sysmon/journal.hpp"
#include "sysmon/push_decoder.hpp"

namespace sysmon {

namespace {

constexpr std::int64_t kNow = 1'738'858'800'000;

std::string batch(const std::string& metrics, const std::string& envelope = R"("hostname":"web01")") {
  return "{" + envelope + R"(,"metrics":[)" + metrics + "]}";
}

std::string metric(const std::string& value, const std::string& type = "cpu.user") {
  return R"({"type":")" + type + R"(","value":)" + value + R"(,"tags":{"core":"7"}})";
}

// What a decoder makes of a body, as one text.
std::string outcome(PushDecoder& decoder, const std::string& body) {
  const DecodedPushes pushes = decoder.decode(body, false, kNow);
  if (pushes.fault) return std::to_string(pushes.fault->status) + " " + std::string(pushes.fault->code);
  std::string out;
  for (const Push& push : pushes.batches) {
    out += push.hostname + " " + std::to_string(push.accepted) + " " + std::to_string(push.rejected) + "\n";
    for (const auto& [index, code] : push.errors) out += std::to_string(index) + std::string(code) + "\n";
    for (const Row& row : push.rows) out += std::to_string(row.time_ms) + row.payload + "\n";
  }
  return out;
}

// The same body, by a decoder that knows the shape of `usual` and by one that does not: they must agree.
void check_alike(const std::string& usual, const std::string& body) {
  PushDecoder knows(std::make_shared<KeySets>(), {});
  PushDecoder does_not(std::make_shared<KeySets>(), {});
  for (int i = 0; i < 3; ++i) outcome(knows, usual);
  outcome(does_not, usual);
  CHECK_MESSAGE(outcome(knows, body) == outcome(does_not, body), body);
}

std::shared_ptr<const BatchShape> shape_of(const std::string& metrics, const std::vector<double>& values) {
  return BatchShape::of(metrics, values, {});
}

}  // namespace

TEST_CASE("batch_shape: a batch is cut where its metrics are") {
  const std::string text = batch(metric("1"));
  const BatchParts parts = BatchParts::of(text);
  CHECK(parts.envelope == R"({"hostname":"web01","metrics":[)");
  CHECK(parts.metrics == metric("1"));
  CHECK(BatchParts::of(batch("")).metrics.empty());
  CHECK(BatchParts::of(R"({"metrics":[1],"hostname":"web01"})").metrics.empty());
  CHECK(BatchParts::of(R"({"metrics" : [1]})").metrics.empty());
  CHECK(BatchParts::of("").metrics.empty());
  CHECK(BatchParts::of(R"("metrics":[]})").metrics.empty());
}

TEST_CASE("batch_shape: only the numbers may differ") {
  const std::string usual = metric("1") + "," + metric("-2.5", "cpu.system");
  const auto shape = shape_of(usual, {1, -2.5});
  REQUIRE(shape != nullptr);
  std::vector<double> values;
  CHECK(shape->read(metric("12345") + "," + metric("0.25", "cpu.system"), values));
  CHECK(values == std::vector<double>{12345, 0.25});
  CHECK_FALSE(shape->read(metric("1") + "," + metric("1", "cpu.systen"), values));
  CHECK_FALSE(shape->read(metric("1"), values));
  CHECK_FALSE(shape->read(usual + ",", values));
  CHECK_FALSE(shape->read("", values));
  for (std::size_t length = 0; length < usual.size(); ++length)
    CHECK_FALSE(shape->read(usual.substr(0, length), values));
}

TEST_CASE("batch_shape: digits in names and tags are no numbers") {
  const auto shape = shape_of(R"({"type":"load.avg15","tags":{"a\"9":"-3\\"},"value":4})", {4});
  REQUIRE(shape != nullptr);
  std::vector<double> values;
  CHECK(shape->read(R"({"type":"load.avg15","tags":{"a\"9":"-3\\"},"value":5})", values));
  CHECK(values == std::vector<double>{5});
}

TEST_CASE("batch_shape: there is none where a number is not a value") {
  CHECK(shape_of(R"({"type":"a","value":1,"timestamp":1738858800})", {1}) == nullptr);
  CHECK(shape_of(R"({"new":7,"type":"a","value":1})", {1}) == nullptr);
  CHECK(shape_of(R"({"type":"a","value":"x"})", {0}) == nullptr);
  CHECK(shape_of(metric("1"), {1, 2}) == nullptr);
  CHECK(shape_of(metric("1"), {}) == nullptr);
}

TEST_CASE("batch_shape: numbers are read as the parser reads them, or left to it") {
  const std::string usual = batch(metric("1") + "," + metric("2", "cpu.system"));
  for (const char* number : {"0",
                             "-0",
                             "-0.0",
                             "0.0",
                             "1e5",
                             "1E-7",
                             "1e+2",
                             "0.1",
                             "123456789012345",
                             "1234567890123456",
                             "999999999999999999",
                             "-999999999999999999",
                             "9223372036854775807",
                             "9223372036854775808",
                             "18446744073709551615",
                             "18446744073709551616",
                             "123456789.012345",
                             "1234567890.0123456789",
                             "0.000000000000001",
                             "0.0000000000000001",
                             "2.2250738585072014e-308",
                             "4.9e-324",
                             "1e-400",
                             "1.7976931348623157e308",
                             "1e309",
                             "9007199254740993",
                             "0.30000000000000004",
                             "01",
                             "-",
                             "1.",
                             ".5",
                             "1.e3",
                             "1e",
                             "1e+",
                             "+1",
                             "--1",
                             "1.2.3",
                             "1-2",
                             "0x10",
                             "NaN",
                             "Infinity",
                             "null",
                             "true",
                             "\"1\"",
                             "[1]",
                             "{}",
                             "",
                             "1,\"value\":2",
                             "1,\"timestamp\":1738858800",
                             "1,\"timestamp\":99999999999"}) {
    check_alike(usual, batch(metric(number) + "," + metric("3", "cpu.system")));
  }
  check_alike(usual, batch(metric(std::string(64, '1')) + "," + metric("3", "cpu.system")));
  check_alike(usual, batch(metric("0." + std::string(62, '1')) + "," + metric("3", "cpu.system")));
  check_alike(usual, batch(metric("0." + std::string(63, '1')) + "," + metric("3", "cpu.system")));
}

TEST_CASE("batch_shape: doubles of all kinds come out bit for bit") {
  std::mt19937_64 random(1);
  char text[64];
  for (int i = 0; i < 20'000; ++i) {
    double expected = std::bit_cast<double>(random());
    if (!std::isfinite(expected)) continue;
    const int form = i % 4;
    if (form == 0) expected = static_cast<double>(static_cast<std::int64_t>(random()) >> (random() % 64));
    if (form == 1) expected = std::round(static_cast<double>(random() % 1'000'000'000)) / 100;
    std::snprintf(text, sizeof text, form == 2 ? "%.15g" : "%.17g", expected);
    if (form == 2) expected = std::strtod(text, nullptr);
    const auto shape = shape_of(metric(text), {expected});
    if (shape == nullptr) continue;  // left to the parser: more than 18 digits
    std::vector<double> values;
    REQUIRE(shape->read(metric(text), values));
    CHECK(std::bit_cast<std::uint64_t>(values[0]) == std::bit_cast<std::uint64_t>(expected));
  }
}

TEST_CASE("batch_shape: what only looks like metrics is not taken for them") {
  const std::string hidden = R"("hostname":"web01","version":"\"metrics\":[)" + metric("1") + "]}\"";
  const std::string usual = batch(metric("1"), hidden);
  check_alike(usual, batch(metric("2"), hidden));
  // The tail of such a text behind an honest envelope.
  const std::string tail = usual.substr(usual.find(R"("metrics\":[)") + 12);
  check_alike(usual, R"({"hostname":"web01","metrics":[)" + tail);
  check_alike(usual, R"({"hostname":"web01","version":"x","metrics":[)" + metric("1") + "]},\"metrics\":[]}");
}

TEST_CASE("batch_shape: the envelope is read strictly every time") {
  const std::string usual = batch(metric("1"));
  for (const char* envelope : {R"("hostname":"web01","hostname":"web01")", R"("hostname":"web_01")",
                               R"("x":1)", R"("hostname":"web01","timestamp":1738858800)",
                               R"("hostname":"web01","timestamp":1738869999)",  // too far ahead
                               R"("hostname":"web01","metrics":[],"x":1)",
                               R"("hostname":"web01")"
                               "\x01"}) {
    check_alike(usual, batch(metric("5"), envelope));
  }
}

TEST_CASE("batch_shape: hosts that send alike share a shape; a host has the one it sent twice in a row") {
  BatchShapes shapes;
  const std::string one = batch(metric("1"));
  const std::vector<double> values = {1};
  const BatchParts parts = BatchParts::of(one);
  shapes.note("a", parts, values, {1, 1});
  CHECK(shapes.find("a") == nullptr);
  shapes.note("a", parts, values, {1, 1});
  REQUIRE(shapes.find("a") != nullptr);
  shapes.note("b", parts, values, {1, 1});
  shapes.note("b", parts, values, {1, 1});
  CHECK(shapes.find("b") == shapes.find("a"));
  shapes.note("a", parts, values, {2, 2});  // once something else, and the old one still stands
  CHECK(shapes.find("a") == shapes.find("b"));
}

TEST_CASE("batch_shape: the same metrics of another host lie in that host's own key set") {
  PushDecoder decoder(std::make_shared<KeySets>(), {});
  const std::string common = metric("1") + "," + metric("2", "cpu.system");
  outcome(decoder, batch(metric("0", "disk.only_here"), R"("hostname":"b")"));
  for (int i = 0; i < 3; ++i) outcome(decoder, batch(common, R"("hostname":"a")"));
  for (int i = 0; i < 3; ++i) outcome(decoder, batch(common, R"("hostname":"b")"));
  const DecodedPushes of_a = decoder.decode(batch(common, R"("hostname":"a")"), false, kNow);
  const DecodedPushes of_b = decoder.decode(batch(common, R"("hostname":"b")"), false, kNow);
  CHECK(of_a.batches.at(0).rows.at(0).key_set != of_b.batches.at(0).rows.at(0).key_set);
  CHECK(RowView::parse(of_a.batches[0].rows[0].payload)->set_size() == 2);
  CHECK(RowView::parse(of_b.batches[0].rows[0].payload)->set_size() == 3);
}

}  // namespace sysmon
