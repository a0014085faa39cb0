#include "sysmon/push_decoder.hpp"

#include <doctest/doctest.h>
#include <zlib.h>

#include <array>
#include <cmath>
#include <thread>

#include "core/store/names.hpp"
#include "core/store/two_generations.hpp"
#include "sysmon/journal.hpp"

namespace sysmon {

namespace {

constexpr std::int64_t kNow = 1'738'858'800'000;

std::string gzip(const std::string& text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string in = text;
  std::string out(deflateBound(&stream, in.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

struct Aggregator {
  explicit Aggregator(PushLimits limits = {}) : decoder(sets, limits) {}
  std::shared_ptr<KeySets> sets = std::make_shared<KeySets>();
  PushDecoder decoder;

  DecodedPushes decode(const std::string& body, bool is_gzip = false) {
    return decoder.decode(body, is_gzip, kNow);
  }
  // The one batch of a body that is good.
  Push push(const std::string& body) {
    DecodedPushes pushes = decode(body);
    REQUIRE_MESSAGE(!pushes.fault.has_value(), (pushes.fault ? pushes.fault->message : ""));
    REQUIRE(pushes.batches.size() == 1);
    return std::move(pushes.batches.front());
  }
  // "status code" of a body that is not.
  std::string fault(const std::string& body, bool is_gzip = false) {
    const DecodedPushes pushes = decode(body, is_gzip);
    if (!pushes.fault) return "none";
    CHECK(pushes.batches.empty());
    CHECK_FALSE(pushes.fault->message.empty());
    return std::to_string(pushes.fault->status) + " " + std::string(pushes.fault->code);
  }
  // Every sample of a row: "type{key=value}=3".
  std::vector<std::string> samples(const Row& row) {
    const Result<RowView> view = RowView::parse(row.payload);
    REQUIRE(view.ok());
    RowSamples found;
    view->read(found);
    std::vector<std::string> out;
    const KeySetPtr set = sets->find(view->key_set());
    for (std::size_t i = 0; i < found.values.size(); ++i) {
      const Key& key = *set->keys[found.positions[i]];
      std::string text(key.type());
      for (const auto& [name, value] : key.tags())
        text += "{" + std::string(name) + "=" + std::string(value) + "}";
      out.push_back(text + "=" + std::to_string(std::lround(found.values[i])));
    }
    return out;
  }
};

std::string with_metrics(const std::string& metrics, const std::string& hostname = "web01") {
  return R"({"hostname":")" + hostname + R"(","metrics":[)" + metrics + "]}";
}

using Texts = std::vector<std::string>;

std::string joined(const Texts& texts, std::string_view separator = ",") {
  std::string out;
  for (const std::string& text : texts) {
    if (!out.empty()) out += separator;
    out += text;
  }
  return out;
}

std::vector<std::pair<std::uint32_t, std::string_view>> codes(
    std::initializer_list<std::pair<int, const char*>> list) {
  std::vector<std::pair<std::uint32_t, std::string_view>> out;
  for (const auto& [index, code] : list) out.emplace_back(static_cast<std::uint32_t>(index), code);
  return out;
}

}  // namespace

TEST_CASE("the envelope of the wire page is read whole") {
  Aggregator aggregator;
  const Push push = aggregator.push(
      R"({"hostname": "web01", "version": "1.0.0", "tags": {"role": "web-server"}, "timestamp": 1738858799.25,
          "interval": 10, "agent_id": "a-1", "boot_id": "b-2", "boottime_ms": 86400123,
          "facts": {"os": "Debian 12", "mounts": {"/": 1.5}}, "processes": [{"pid": 812, "user": "www"}],
          "metrics": [{"type": "cpu.total_usage", "value": 4.2},
                      {"type": "disk.usage_percent", "value": 41.7, "tags": {"mountpoint": "/", "device": "sda1"}},
                      {"type": "cpu.total_usage", "value": 4.0, "timestamp": 1738858790.000}],
          "later": {"agents": ["may", {"say": null}]}})");
  CHECK(push.hostname == "web01");
  CHECK(push.version == "1.0.0");
  CHECK(push.tags == Tags{{"role", "web-server"}});
  CHECK(push.time_ms == 1738858799250);
  CHECK(push.has_time);
  CHECK(push.interval_ms == 10000);
  CHECK(push.agent_id == "a-1");
  CHECK(push.boot_id == "b-2");
  CHECK(push.boottime_ms == 86400123);
  CHECK(push.facts == R"({"os":"Debian 12","mounts":{"/":1.5}})");
  CHECK(push.processes == R"([{"pid":812,"user":"www"}])");
  CHECK(push.accepted == 3);
  CHECK(push.rejected == 0);
  REQUIRE(push.rows.size() == 2);  // oldest first
  CHECK(push.rows[0].time_ms == 1738858790000);
  CHECK(aggregator.samples(push.rows[0]) == Texts{"cpu.total_usage=4"});
  CHECK(push.rows[1].time_ms == 1738858799250);
  CHECK(aggregator.samples(push.rows[1]) ==
        Texts{"cpu.total_usage=4", "disk.usage_percent{device=sda1}{mountpoint=/}=42"});
  CHECK(push.rows[1].samples == 2);
  CHECK(RowView::parse(push.rows[1].payload)->boot() == hash_of_boot("b-2"));
}

TEST_CASE("a hostname and metrics are enough; the time is that of arrival") {
  Aggregator aggregator;
  const Push push = aggregator.push(with_metrics(R"({"type":"a","value":1})"));
  CHECK(push.time_ms == kNow);
  CHECK_FALSE(push.has_time);
  CHECK_FALSE(push.tags.has_value());
  CHECK_FALSE(push.agent_id.has_value());
  CHECK(push.rows.front().time_ms == kNow);
  const Push heartbeat = aggregator.push(with_metrics(""));
  CHECK(heartbeat.rows.empty());
  CHECK(heartbeat.accepted == 0);
}

TEST_CASE("gzip members are batches of a bundle") {
  Aggregator aggregator;
  const std::string body = gzip(with_metrics(R"({"type":"a","value":1})")) +
                           gzip(with_metrics(R"({"type":"a","value":2})")) +
                           gzip(with_metrics(R"({"type":"b","value":3})"));
  const DecodedPushes pushes = aggregator.decode(body, true);
  REQUIRE(pushes.batches.size() == 3);
  CHECK(aggregator.samples(pushes.batches[1].rows.front()) == Texts{"a=2"});
  CHECK(aggregator.samples(pushes.batches[2].rows.front()) == Texts{"b=3"});
  // One bad member refuses the request: none of it is stored.
  CHECK(aggregator.fault(gzip(with_metrics("")) + gzip("{}"), true) == "422 hostname_missing");
}

TEST_CASE("what is not gzip to its last byte is refused") {
  Aggregator aggregator;
  const std::string good = gzip(with_metrics(R"({"type":"a","value":1})"));
  for (std::size_t size = 1; size < good.size(); ++size)
    CHECK(aggregator.fault(good.substr(0, size), true) == "400 bad_gzip");
  CHECK(aggregator.fault(good + "x", true) == "400 bad_gzip");
  CHECK(aggregator.fault(good + good.substr(0, 10), true) == "400 bad_gzip");
  CHECK(aggregator.fault(with_metrics(""), true) == "400 bad_gzip");
  std::string bad_sum = good;
  bad_sum[good.size() - 8] = static_cast<char>(static_cast<unsigned char>(bad_sum[good.size() - 8]) ^ 1U);
  CHECK(aggregator.fault(bad_sum, true) == "400 bad_gzip");
  CHECK(aggregator.fault("", true) == "400 empty_body");
  CHECK(aggregator.fault(gzip(""), true) == "400 empty_body");
}

TEST_CASE("inflating is bounded") {
  PushLimits limits;
  limits.inflated_bytes = 1U << 20U;
  Aggregator aggregator(limits);
  const std::string padding(63U << 10U, ' ');
  // Dense, but short: a batch of zeros may be that.
  CHECK(aggregator.fault(gzip(with_metrics("") + padding), true) == "none");
  CHECK(aggregator.fault(gzip(with_metrics("") + std::string(200'000, ' ')), true) == "413 ratio_too_large");
  CHECK(aggregator.fault(gzip(std::string(1U << 22U, ' ')), true) == "413 ratio_too_large");
  // Less dense, but too much: each member fits, all of them do not.
  std::string noise = R"({"hostname":"a","metrics":[],"x":")";
  for (unsigned i = 0; i < 4000; ++i) noise += static_cast<char>('a' + (i * i + i / 7) % 26);
  const std::string member = gzip(noise + "\"}" + std::string(30'000, ' '));
  std::string body;
  for (int i = 0; i < 40; ++i) body += member;
  CHECK(aggregator.fault(body, true) == "413 inflated_too_large");
  CHECK(aggregator.fault(with_metrics("") + std::string(1U << 20U, ' ')) == "413 inflated_too_large");
}

TEST_CASE("batches, metrics and samples are bounded") {
  PushLimits limits;
  limits.batches = 3;
  limits.metrics_per_batch = 4;
  limits.samples = 6;
  Aggregator aggregator(limits);
  const std::string one = R"({"type":"a","value":1,"timestamp":1})";
  const std::string three = joined({one, R"({"type":"b","value":1},{"type":"c","value":1})"});
  const std::string heartbeat = gzip(with_metrics(""));
  CHECK(aggregator.fault(with_metrics(joined({three, one}))) == "none");
  CHECK(aggregator.fault(with_metrics(joined({three, one, one}))) == "413 too_many_metrics");
  const std::string member = gzip(with_metrics(three));
  CHECK(aggregator.fault(joined({member, member}, ""), true) == "none");
  CHECK(aggregator.fault(joined({member, member, gzip(with_metrics(one))}, ""), true) ==
        "413 too_many_samples");
  CHECK(aggregator.fault(joined({heartbeat, heartbeat, heartbeat}, ""), true) == "none");
  CHECK(aggregator.fault(joined({heartbeat, heartbeat, heartbeat, heartbeat}, ""), true) ==
        "413 too_many_batches");
}

TEST_CASE("JSON is taken strictly") {
  Aggregator aggregator;
  const auto fault_of_value = [&aggregator](const std::string& json) {
    return aggregator.fault(R"({"hostname":"a","metrics":[],"x":)" + json + "}");
  };
  CHECK(fault_of_value("1") == "none");
  for (const char* bad : {"NaN",     "Infinity",    "01",          "+1",
                          ".5",      "1.",          "0x1",         "'a'",
                          "tru",     "[1,]",        "{\"a\":1,}",  "\"\n\"",
                          "\"\\x\"", R"("\ud800")", R"("\udc00")", R"("\ud800\u0041")",
                          "1}{",     "1} x",        "/**/1",       ""}) {
    CHECK_MESSAGE(aggregator.fault(R"({"hostname":"a","metrics":[],"x":)" + std::string(bad) + "}")
                      .starts_with("400 bad_"),
                  bad);
  }
  CHECK(fault_of_value(R"("\ud83d\ude00")") == "none");
  CHECK(fault_of_value("1e400") == "400 bad_number");
  CHECK(fault_of_value("123456789012345678901234567890") == "400 bad_number");
  CHECK(fault_of_value("\"\xFF\"") == "400 bad_utf8");
  CHECK(fault_of_value("\"\xED\xA0\x80\"") == "400 bad_utf8");  // a surrogate in UTF-8
  CHECK(fault_of_value("[[[[[[[1]]]]]]]") == "none");           // with the envelope: eight levels
  CHECK(fault_of_value("[[[[[[[[1]]]]]]]]") == "400 too_deep");
  CHECK(aggregator.fault(std::string(100'000, '[') + std::string(100'000, ']')) == "400 too_deep");
  CHECK(aggregator.fault("\xEF\xBB\xBF{}") == "400 bad_json");
  CHECK(aggregator.fault(" ") == "400 empty_body");
  CHECK(fault_of_value("0." + std::string(62, '1')) == "none");
  CHECK(fault_of_value("0." + std::string(63, '1')) == "400 number_too_long");
  CHECK(fault_of_value("[1, -0." + std::string(300, '1') + "]") == "400 number_too_long");
  CHECK(fault_of_value("\"" + std::string(300, '1') + "\"") == "none");  // digits, but no number
  CHECK(fault_of_value(R"("\")" + std::string(300, '1') + "\"") == "none");
  CHECK(fault_of_value("\"" + std::string(4096, 'a') + "\"") == "none");
  CHECK(fault_of_value("[\"" + std::string(4097, 'a') + "\"]") == "400 string_too_long");
  CHECK(fault_of_value("{\"" + std::string(4097, 'a') + "\":1}") == "400 string_too_long");
}

TEST_CASE("a key twice refuses the push, wherever it is") {
  Aggregator aggregator;
  for (const char* body :
       {R"({"hostname":"a","hostname":"a","metrics":[]})", R"({"hostname":"a","metrics":[],"metrics":[]})",
        R"({"hostname":"a","metrics":[],"x":1,"x":1})",
        R"({"hostname":"a","metrics":[],"x":[{"y":1,"y":1}]})",
        R"({"hostname":"a","metrics":[],"tags":{"k":"1","k":"2"}})",
        R"({"hostname":"a","metrics":[],"facts":{"m":{"k":"1","k":"2"}}})",
        R"({"hostname":"a","metrics":[{"type":"a","value":1,"value":1}]})",
        R"({"hostname":"a","metrics":[{"type":"a","value":1,"x":1,"x":1}]})",
        R"({"hostname":"a","metrics":[{"type":"a","value":1,"tags":{"k":"1","\u006b":"2"}}]})"}) {
    CHECK_MESSAGE(aggregator.fault(body) == "400 duplicate_key", body);
  }
}

TEST_CASE("an envelope that says something else is refused") {
  Aggregator aggregator;
  const auto fault_of = [&aggregator](const std::string& members) {
    return aggregator.fault(R"({"hostname":"a","metrics":[],)" + members + "}");
  };
  CHECK(aggregator.fault("[]") == "422 wrong_type");
  CHECK(aggregator.fault(R"({"metrics":[]})") == "422 hostname_missing");
  CHECK(aggregator.fault(R"({"hostname":1,"metrics":[]})") == "422 wrong_type");
  CHECK(aggregator.fault(R"({"hostname":"a"})") == "422 metrics_missing");
  CHECK(aggregator.fault(R"({"hostname":"a","metrics":{}})") == "422 wrong_type");
  for (const char* hostname : {"", "a_b", "-a", "a-", "a..b", ".a", "a.", "ä", "a b", "a\\u0000"}) {
    CHECK_MESSAGE(aggregator.fault(with_metrics("", hostname)) == "422 bad_hostname", hostname);
  }
  CHECK(fault_of(R"("timestamp":"now")") == "422 wrong_type");
  CHECK(fault_of(R"("timestamp":-1)") == "422 wrong_type");
  CHECK(fault_of(R"("timestamp":1e300)") == "422 wrong_type");
  CHECK(fault_of(R"("interval":0)") == "422 wrong_type");
  CHECK(fault_of(R"("boottime_ms":1.5)") == "422 wrong_type");
  CHECK(fault_of(R"("version":1)") == "422 wrong_type");
  CHECK(fault_of(R"("agent_id":"")") == "422 bad_identity");
  CHECK(fault_of(R"("boot_id":"\u0007")") == "422 bad_identity");
  CHECK(fault_of(R"("tags":[])") == "422 wrong_type");
  CHECK(fault_of(R"("tags":{"a b":"c"})") == "422 bad_tags");
  CHECK(fault_of(R"("tags":{"a":1})") == "422 bad_tags");
  CHECK(fault_of(R"("facts":[])") == "422 wrong_type");
  CHECK(fault_of(R"("processes":{})") == "422 wrong_type");
  CHECK(fault_of(R"("version":null,"agent_id":null,"tags":null,"facts":null,"timestamp":null)") == "none");
}

TEST_CASE("a fault of one sample refuses that sample") {
  Aggregator aggregator;
  const std::string long_name(129, 'a');
  const std::string long_value(257, 'a');
  std::string many_tags;
  for (int i = 0; i < 17; ++i) many_tags += (i == 0 ? "" : ",") + ("\"k" + std::to_string(i)) + R"(":"v")";
  const Push push = aggregator.push(with_metrics(
      R"({"type":"good","value":1},7,{"value":1},{"type":"b"},{"type":"c","value":"1"},{"type":"d","value":null},)"
      R"({"type":"a b","value":1},{"type":")" +
      long_name +
      R"(","value":1},{"type":"e","value":1,"tags":[]},)"
      R"({"type":"f","value":1,"tags":{"k":1}},{"type":"g","value":1,"tags":{"k k":"v"}},)"
      R"({"type":"h","value":1,"tags":{"k":")" +
      long_value +
      R"("}},{"type":"i","value":1,"tags":{"k":"\u202e"}},)"
      R"({"type":"j","value":1,"tags":{)" +
      many_tags +
      R"(}},{"type":"k","value":1,"timestamp":"x"},)"
      R"({"type":"l","value":1,"timestamp":1738859401},{"type":"good","value":2},{"type":"better","value":3})"));
  CHECK(push.accepted == 2);
  CHECK(push.rejected == 16);
  CHECK(push.errors == codes({{1, "not_an_object"},
                              {2, "type_missing"},
                              {3, "value_missing"},
                              {4, "value_not_a_number"},
                              {5, "value_not_a_number"},
                              {6, "bad_name"},
                              {7, "bad_name"},
                              {8, "tags_not_an_object"},
                              {9, "tag_value_not_a_string"},
                              {10, "bad_tag_key"},
                              {11, "tag_value_too_long"},
                              {12, "bad_tag_value"},
                              {13, "too_many_tags"},
                              {14, "bad_timestamp"},
                              {15, "too_far_future"},
                              {16, "duplicate_sample"}}));
  REQUIRE(push.rows.size() == 1);
  CHECK(aggregator.samples(push.rows.front()) == Texts{"good=1", "better=3"});
}

TEST_CASE("all errors are counted, the first twenty told") {
  Aggregator aggregator;
  std::string metrics = "0";
  for (int i = 1; i < 30; ++i) metrics += ",0";
  const Push push = aggregator.push(with_metrics(metrics));
  CHECK(push.rejected == 30);
  CHECK(push.errors.size() == 20);
  CHECK(push.errors.back().first == 19);
  CHECK(push.rows.empty());
}

TEST_CASE("hosts that send the same keys share a key set") {
  Aggregator aggregator;
  const std::string metrics = R"({"type":"a","value":1},{"type":"b","value":2,"tags":{"x":"1","y":"2"}})";
  const KeySetId first = aggregator.push(with_metrics(metrics, "web01")).rows.front().key_set;
  CHECK(aggregator.push(with_metrics(metrics, "web02")).rows.front().key_set == first);
  // The order of tags is not part of a key.
  CHECK(aggregator
            .push(with_metrics(R"({"type":"a","value":1},{"type":"b","value":2,"tags":{"y":"2","x":"1"}})",
                               "web03"))
            .rows.front()
            .key_set == first);
  CHECK(aggregator.sets->size() == 1);
}

TEST_CASE("a host that leaves keys out stays with its set; new keys make it longer") {
  Aggregator aggregator;
  const std::string a = R"({"type":"a","value":1})";
  const std::string b = R"({"type":"b","value":2})";
  const std::string c = R"({"type":"c","value":3})";
  const KeySetId set = aggregator.push(with_metrics(joined({a, b}))).rows.front().key_set;
  for (int round = 0; round < 2; ++round) {  // looked at, then known
    CHECK(aggregator.push(with_metrics(b)).rows.front().key_set == set);
    const Push swapped = aggregator.push(with_metrics(joined({b, a})));
    CHECK(swapped.rows.front().key_set == set);
    CHECK(aggregator.samples(swapped.rows.front()) == Texts{"a=1", "b=2"});
  }
  const Push longer = aggregator.push(with_metrics(joined({c, a})));
  CHECK(longer.rows.front().key_set == set + 1);
  CHECK(aggregator.samples(longer.rows.front()) == Texts{"a=1", "c=3"});
  CHECK(aggregator.push(with_metrics(joined({a, b}))).rows.front().key_set == set + 1);
  CHECK(aggregator.sets->size() == 2);
}

TEST_CASE("series of a host are bounded, and refused ones leave nothing behind") {
  PushLimits limits;
  limits.series_per_host = 2;
  Aggregator aggregator(limits);
  const Push push = aggregator.push(
      with_metrics(R"({"type":"a","value":1},{"type":"b","value":2},{"type":"c","value":3})"));
  CHECK(push.accepted == 2);
  CHECK(push.errors == codes({{2, "series_limit"}}));
  CHECK(aggregator.push(with_metrics(R"({"type":"d","value":1})")).rejected == 1);
  CHECK(aggregator.push(with_metrics(R"({"type":"d","value":1})", "other")).accepted == 1);
}

TEST_CASE("after a restart a host goes on with the set it had") {
  Aggregator before;
  const std::string a = R"({"type":"a","value":1})";
  const Row row = before.push(with_metrics(a + R"(,{"type":"b","value":2})")).rows.front();
  const std::string blob = KeySets::blob(*before.sets->find(row.key_set));

  Aggregator after;
  REQUIRE(after.sets->load(row.key_set, blob).ok());
  after.decoder.remember("web01", row.key_set);
  after.decoder.remember("web02", 99);  // never heard of
  CHECK(after.push(with_metrics(a)).rows.front().key_set == row.key_set);
  CHECK(after.push(with_metrics(a, "web02")).rows.front().key_set != row.key_set);
}

TEST_CASE("a batch of this machine is packed like a push") {
  Aggregator aggregator;
  static constexpr MetricInfo kLoad{"load.avg1"};
  static constexpr MetricInfo kDisk{"disk.read_bytes", Unit::bytes, Kind::counter, "device,mountpoint"};
  SampleBatch batch;
  batch.wall_ms = kNow;
  batch.boottime_ms = 5;
  batch.series = std::make_shared<SeriesList>(
      SeriesList{{&kLoad, {}}, {}, {&kDisk, {{"mountpoint", "/"}, {"device", "sda"}}}});
  batch.samples = {{0, 1}, {2, 300}};
  const Push push = aggregator.decoder.pack(batch, "here", 1000);
  CHECK(push.hostname == "here");
  CHECK(push.interval_ms == 1000);
  CHECK(push.accepted == 2);
  REQUIRE(push.rows.size() == 1);
  CHECK(push.rows.front().time_ms == kNow);
  CHECK(aggregator.samples(push.rows.front()) ==
        Texts{"load.avg1=1", "disk.read_bytes{device=sda}{mountpoint=/}=300"});
  batch.samples.clear();
  CHECK(aggregator.decoder.pack(batch, "here", 1000).rows.empty());
}

TEST_CASE("threads may decode side by side") {
  Aggregator aggregator;
  std::array<std::size_t, 4> accepted{};
  {
    std::vector<std::jthread> threads;
    threads.reserve(accepted.size());
    for (std::size_t i = 0; i < accepted.size(); ++i) {
      threads.emplace_back([&, i] {
        for (int round = 0; round < 50; ++round) {
          const std::string metrics =
              R"({"type":"a","value":1},{"type":"m)" + std::to_string(round % 7) + R"(","value":2})";
          const auto pushes =
              aggregator.decoder.decode(with_metrics(metrics, "web0" + std::to_string(i % 2)), false, kNow);
          if (!pushes.fault) accepted[i] += pushes.batches.front().accepted;
        }
      });
    }
  }
  for (const std::size_t count : accepted) CHECK(count == 100);
}

TEST_CASE("names, hostnames and printable text") {
  CHECK(is_name("cpu.total_usage"));
  CHECK(is_name("_a:b-c9"));
  for (const char* bad : {"", "9a", ".a", "a b", "ä", "a/b", "a\n"}) CHECK_FALSE(is_name(bad));
  CHECK(is_hostname("web01"));
  CHECK(is_hostname("9.eu-west.example"));
  CHECK(is_hostname(std::string(63, 'a')));
  CHECK_FALSE(is_hostname(std::string(64, 'a')));
  std::string longest;
  for (int i = 0; i < 126; ++i) longest += "a.";
  CHECK(is_hostname(longest + "a"));
  CHECK_FALSE(is_hostname(longest + "aa"));
  for (const char* good : {"", "/mnt/d a", "Zürich", "東京", "😀", "a\xC2\xA0"})
    CHECK_MESSAGE(is_printable(good), good);
  for (const char* bad : {"\t", "\x1B[31m", "\x7F", "\xC2\x85", "\xE2\x80\xAE", "\xE2\x80\xA8",
                          "\xE2\x81\xA6", "\xEF\xBB\xBF"}) {
    CHECK_FALSE(is_printable(bad));
  }
}

TEST_CASE("two generations keep what is asked for") {
  TwoGenerations<int, int> kept(2);
  kept.put(1, 10);
  kept.put(2, 20);
  kept.put(3, 30);  // 1 and 2 are old now
  REQUIRE(kept.find(1) != nullptr);
  CHECK(*kept.find(1) == 10);
  kept.put(4, 40);  // 2 is gone; 1 and 3 are old
  CHECK(kept.find(2) == nullptr);
  CHECK(*kept.find(3) == 30);
  CHECK(*kept.find(4) == 40);
  kept.put(3, 31);
  CHECK(*kept.find(3) == 31);
}

TEST_CASE("push_decoder: an identity stands for all that a push says of its host") {
  Aggregator here;
  const auto identity = [&here](const std::string& members) {
    return here.push(R"({"hostname":"web01",)" + members + R"("metrics":[]})").identity;
  };
  const auto known =
      identity(R"("version":"1","agent_id":"a","boot_id":"b","interval":10,"tags":{"x":"y"},)");
  CHECK(known ==
        identity(
            R"("version":"1","agent_id":"a","boot_id":"b","interval":10,"tags":{"x":"y"},"timestamp":5,)"));
  for (const char* other : {R"("version":"2","agent_id":"a","boot_id":"b","interval":10,"tags":{"x":"y"},)",
                            R"("version":"1","agent_id":"c","boot_id":"b","interval":10,"tags":{"x":"y"},)",
                            R"("version":"1","agent_id":"a","boot_id":"c","interval":10,"tags":{"x":"y"},)",
                            R"("version":"1","agent_id":"a","boot_id":"b","interval":11,"tags":{"x":"y"},)",
                            R"("version":"1","agent_id":"a","boot_id":"b","interval":10,"tags":{"x":"z"},)",
                            R"("version":"1","agent_id":"a","boot_id":"b","interval":10,"tags":{},)",
                            R"("version":"1","agent_id":"a","boot_id":"b","interval":10,)",
                            R"("agent_id":"1","boot_id":"a","interval":10,"tags":{"x":"y"},)", ""}) {
    CHECK_MESSAGE(identity(other) != known, other);
  }
  CHECK(here.push(R"({"hostname":"web02","metrics":[]})").identity != identity(""));
}

}  // namespace sysmon
