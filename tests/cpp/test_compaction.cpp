#include "sysmon/compaction.hpp"

#include <doctest/doctest.h>

#include <array>

#include "sysmon/journal.hpp"

namespace sysmon {

namespace {

constexpr std::int64_t kHour = 500'000 * kOneHourMs;  // begins a day, too, less 8 hours
constexpr std::uint32_t kHost = 7;

// One host's rows and chunks, as the tables hold them.
struct Store {
  KeySets sets;
  std::vector<const Key*> keys{sets.key("cpu.total_usage"),
                               sets.key(Key("disk.usage_percent", {{"mountpoint", "/"}}).text()),
                               sets.key(Key("network.bytes_recv", {{"interface", "eth0"}}).text())};
  KeySetPtr set = sets.intern(keys);
  std::vector<std::pair<std::int64_t, std::string>> rows;
  std::vector<std::pair<std::int64_t, std::string>> parts;

  void put(std::int64_t time_ms, std::vector<std::uint32_t> positions, const std::vector<double>& values,
           const KeySetPtr& to, std::string_view boot = "x") {
    const RowHead head{to->id, hash_of_boot(boot), static_cast<std::uint32_t>(to->keys.size())};
    rows.emplace_back(time_ms, pack_row(head, positions, values));
  }
  void put(std::int64_t time_ms, double value, std::string_view boot = "x") {
    put(time_ms, {0, 1, 2}, {value, value / 4, value * 1000}, set, boot);
  }
  template <class Use>
  auto with(Use&& use) const {
    std::vector<StoredRow> stored;
    std::vector<StoredPart> chunks;
    for (const auto& [time_ms, payload] : rows) stored.push_back({time_ms, payload});
    for (const auto& [key, payload] : parts) chunks.push_back({key, payload});
    return use(StoredHost{chunks, stored});
  }
  // Moves the hour's rows into its chunk, as the compactor does.
  PackedChunk compact(std::int64_t start_ms) {
    auto packed = with([&](const StoredHost& host) { return pack_hour(sets, host, start_ms); });
    REQUIRE(packed.ok());
    parts.clear();
    for (const auto& [part, payload] : packed->parts) {
      const ChunkKey key{0, static_cast<std::uint32_t>(start_ms / kOneHourMs), kHost,
                         static_cast<std::uint8_t>(part)};
      parts.emplace_back(key.pack(), payload);
    }
    rows.clear();
    return *packed;
  }
  [[nodiscard]] std::string text() const {
    const auto columns =
        with([&](const StoredHost& host) { return read_hosts(sets, std::array{host}, {}, 0, INT64_MAX); });
    REQUIRE(columns.ok());
    std::vector<std::string> heads;
    for (std::size_t i = 0; i < columns->size(); ++i)
      heads.push_back("\"" + std::string((*columns)[i].key.type()) + "\":0");
    return columns->json(std::vector<std::string_view>(heads.begin(), heads.end()));
  }
};

}  // namespace

TEST_CASE("a chunk's key packs and unpacks, and orders by tier, hour, host and part") {
  const ChunkKey key{2, 500'123, 16'000'000, 6};
  const ChunkKey same = ChunkKey::unpack(key.pack());
  CHECK(same.tier == 2);
  CHECK(same.hour == 500'123);
  CHECK(same.host == 16'000'000);
  CHECK(same.part == 6);
  CHECK(ChunkKey{0, 9, 0, 0}.pack() > ChunkKey{0, 8, 0xFF'FFFF, 7}.pack());
  CHECK(ChunkKey{1, 0, 0, 0}.pack() > ChunkKey{0, 0x1F'FFFF, 0xFF'FFFF, 7}.pack());
}

TEST_CASE("families keep their parts: they are in every key that was ever stored") {
  CHECK(part_of("cpu.total_usage") == 2);
  CHECK(part_of("memory.used_bytes") == 3);
  CHECK(part_of("disk.usage_percent") == 4);
  CHECK(part_of("network.bytes_recv") == 5);
  CHECK(part_of("system.uptime_seconds") == 6);
  CHECK(part_of("what.ever") == 1);
  CHECK(part_of("nodot") == 1);
  CHECK(may_be_in({{{"cpu.*"}}, {}}, 2));
  CHECK_FALSE(may_be_in({{{"cpu.*"}}, {}}, 3));
  CHECK(may_be_in({{{"c*"}}, {}}, 3));
  CHECK(may_be_in({std::nullopt, {}}, 5));
}

TEST_CASE("an hour of rows reads the same from its chunk") {
  Store store;
  for (int i = 0; i < 360; ++i) store.put(kHour + i * 10'000, 40 + i % 7, i < 100 ? "x" : "y");
  store.put(kHour + 5, {1}, {3.25}, store.set);
  const std::string before = store.text();
  const PackedChunk packed = store.compact(kHour);
  CHECK(packed.samples == 3 * 360 + 1);
  CHECK(packed.key_set == store.set->id);
  CHECK(packed.parts.size() == 4);  // ticks, cpu, disk, network
  CHECK(store.text() == before);
}

TEST_CASE("what comes late is merged; the first sample of a time stays") {
  Store store;
  store.put(kHour + 1'000, 1);
  store.put(kHour + 3'000, 3);
  store.compact(kHour);
  store.put(kHour + 2'000, 2);
  store.put(kHour + 3'000, 33);
  const std::string before = store.text();
  store.compact(kHour);
  CHECK(store.text() == before);
  CHECK(before.find(R"("cpu.total_usage":0,"times":[1800000001,1800000002,1800000003],"values":[1,2,3])") !=
        std::string::npos);
}

TEST_CASE("keys of several sets come into one") {
  Store store;
  const KeySetPtr other = store.sets.intern(std::array{store.sets.key("gpu.usage_percent"), store.keys[0]});
  store.put(kHour, 1);
  store.put(kHour + 1'000, {0, 1}, {50, 2}, other);
  const std::string before = store.text();
  const PackedChunk packed = store.compact(kHour);
  CHECK(packed.key_set != store.set->id);
  CHECK(packed.key_set != other->id);
  CHECK(store.sets.find(packed.key_set)->keys.size() == 4);
  CHECK(store.text() == before);
}

TEST_CASE("no samples, no chunk") {
  Store store;
  CHECK(store.compact(kHour).parts.empty());
  store.put(kHour + kOneHourMs, 1);  // the next hour's
  CHECK(store.compact(kHour).parts.empty());
}

TEST_CASE("an increase is known across what became a chunk, and not across a boot") {
  Store store;
  store.put(kHour, 1, "x");
  store.put(kHour + 10'000, 2, "x");
  store.put(kHour + 20'000, 9, "y");
  store.compact(kHour);
  store.put(kHour + 30'000, 10, "y");
  const auto rates = store.with([&](const StoredHost& host) {
    return fold_hosts(store.sets, std::array{host}, {{{"network.*"}}, {}},
                      {kHour, kHour + 40'000, 10'000, {}}, 0);
  });
  REQUIRE(rates.ok());
  CHECK((*rates)[0].present == std::vector<std::uint8_t>{0, 1, 0, 1});
  CHECK((*rates)[0].values[1] == 100);
  CHECK((*rates)[0].values[3] == 100);
}

TEST_CASE("damage is an error") {
  Store store;
  for (int i = 0; i < 50; ++i) store.put(kHour + i * 10'000, i);
  store.compact(kHour);
  const auto whole = store.parts;
  for (std::size_t part = 0; part < whole.size(); ++part) {
    for (std::size_t at = 0; at < whole[part].second.size(); at += 3) {
      store.parts = whole;
      store.parts[part].second[at] = static_cast<char>(store.parts[part].second[at] ^ 0x10);
      CHECK_FALSE(store.with([&](const StoredHost& host) {
        return read_hosts(store.sets, std::array{host}, {}, 0, INT64_MAX).ok();
      }));
    }
  }
  store.parts.assign(whole.begin() + 1, whole.end());  // without its ticks
  CHECK_FALSE(store.with([&](const StoredHost& host) {
    return read_hosts(store.sets, std::array{host}, {}, 0, INT64_MAX).ok();
  }));
}

TEST_CASE("the newest rows hold the last two samples of every series") {
  Store store;
  for (int i = 0; i < 20; ++i) store.put(kHour + i * 10'000, {0, 2}, {1.0 * i, 2.0 * i}, store.set);
  store.put(kHour + 5'000, {1}, {77}, store.set);
  store.compact(kHour);
  const auto rows = store.with([&](const StoredHost& host) { return newest_rows(store.sets, host); });
  REQUIRE(rows.ok());
  REQUIRE(rows->size() == 3);
  CHECK(rows->front().time_ms == kHour + 5'000);
  CHECK(rows->back().time_ms == kHour + 190'000);
  CHECK(rows->back().samples == 2);
}

}  // namespace sysmon
