#include "sysmon/columns.hpp"

#include <doctest/doctest.h>

#include <array>
#include <limits>

namespace sysmon {

namespace {

constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();

struct Journal {
  KeySets sets;
  const Key* a = sets.key("a");
  const Key* sda = sets.key(Key("disk.read_bytes", {{"device", "sda"}}).text());
  const Key* sdb = sets.key(Key("disk.read_bytes", {{"device", "sdb"}}).text());
  KeySetPtr set = sets.intern(std::array{a, sda, sdb});
  KeySetPtr only_sdb = sets.intern(std::array{sdb});
  std::vector<std::pair<std::int64_t, std::string>> rows;

  void put(std::int64_t time_ms, const KeySetPtr& to, std::vector<std::uint32_t> positions,
           const std::vector<double>& values, std::string_view boot = "x") {
    const RowHead head{to->id, hash_of_boot(boot), static_cast<std::uint32_t>(to->keys.size())};
    rows.emplace_back(time_ms, pack_row(head, positions, values));
  }
  void put_a(std::int64_t time_ms, double value, std::string_view boot = "x") {
    put(time_ms, set, {0}, {value}, boot);
  }

  [[nodiscard]] std::vector<StoredRow> stored() const {
    std::vector<StoredRow> stored;
    stored.reserve(rows.size());
    for (const auto& [time_ms, payload] : rows) stored.push_back({time_ms, payload});
    return stored;
  }
  [[nodiscard]] Columns read(const Selector& selector = {}, std::int64_t start_ms = 0,
                             std::int64_t end_ms = kForever) const {
    const std::vector<StoredRow> all = stored();
    Result<Columns> columns = read_hosts(sets, std::array{StoredHost{{}, all}}, selector, start_ms, end_ms);
    REQUIRE(columns.ok());
    return *columns;
  }
  [[nodiscard]] Result<Columns> fold(const GridSpec& spec, std::int64_t lookback_ms = 1000,
                                     const Selector& selector = {}) const {
    const std::vector<StoredRow> all = stored();
    return fold_hosts(sets, std::array{StoredHost{{}, all}}, selector, spec, lookback_ms);
  }
};

Result<Columns> read_row(const KeySets& sets, const StoredRow& row) {
  return read_hosts(sets, std::array{StoredHost{{}, std::span(&row, 1)}}, {}, 0, 1);
}

using Times = std::vector<std::int64_t>;
using Values = std::vector<double>;

// A cell per value: what is present, else `kNone`.
constexpr double kNone = -1e300;
Values cells(const Column& column) {
  Values out;
  for (std::size_t i = 0; i < column.values.size(); ++i)
    out.push_back(column.present[i] != 0 ? column.values[i] : kNone);
  return out;
}
Values on_grid(const Journal& journal, std::int64_t start_ms, std::int64_t end_ms, std::int64_t step_ms,
               Agg agg, std::int64_t lookback_ms = 1000, const Selector& selector = {}) {
  const Result<Columns> grid = journal.fold({start_ms, end_ms, step_ms, agg}, lookback_ms, selector);
  REQUIRE(grid.ok());
  return cells((*grid)[0]);
}

}  // namespace

TEST_CASE("rows become columns in order of time, whatever order they come in") {
  Journal journal;
  journal.put(3000, journal.set, {0, 1, 2}, {3, 30, 300});
  journal.put(1000, journal.set, {0, 2}, {1, 100});
  journal.put(2000, journal.only_sdb, {0}, {200});  // another set has the series elsewhere
  const Columns columns = journal.read();
  REQUIRE(columns.size() == 3);
  CHECK(columns[0].key.type() == "a");
  CHECK(*columns[0].times == Times{1000, 3000});
  CHECK(columns[0].values == Values{1, 3});
  CHECK(columns[0].present == std::vector<std::uint8_t>{1, 1});
  CHECK(*columns[1].times == Times{3000});
  CHECK(*columns[2].times == Times{1000, 2000, 3000});
  CHECK(columns[2].values == Values{100, 200, 300});
}

TEST_CASE("the first of several rows of one time wins, series by series") {
  Journal journal;
  journal.put(1000, journal.set, {0}, {1});
  journal.put(1000, journal.set, {0, 1}, {2, 20});
  const Columns columns = journal.read();
  REQUIRE(columns.size() == 2);
  CHECK(columns[0].values == Values{1});
  CHECK(columns[1].values == Values{20});
}

TEST_CASE("start is included, end is not; only what is asked for comes") {
  Journal journal;
  for (std::int64_t t = 1000; t <= 4000; t += 1000) journal.put(t, journal.set, {0, 1, 2}, {1, 2, 3});
  const Columns columns = journal.read({{{"disk.*"}}, {{"device", "sdb"}}}, 2000, 4000);
  REQUIRE(columns.size() == 1);
  CHECK(columns[0].key.tag("device") == "sdb");
  CHECK(*columns[0].times == Times{2000, 3000});
  CHECK(journal.read({{{"b"}}, {}}).size() == 0);
}

TEST_CASE("a damaged row or an unknown key set is an error") {
  const Journal journal;
  const std::string unknown = pack_row({99, 0, 1}, std::array{0U}, std::array{1.0});
  CHECK_FALSE(read_row(journal.sets, StoredRow{0, "rubbish"}).ok());
  CHECK_FALSE(read_row(journal.sets, StoredRow{0, unknown}).ok());
  CHECK(read_row(journal.sets, StoredRow{5, "rubbish"}).ok());  // out of range: not looked at
}

TEST_CASE("a grid folds the samples of each cell") {
  Journal journal;
  journal.put_a(999, 50);  // before the grid
  journal.put_a(1000, 1);
  journal.put_a(1500, 4);
  journal.put_a(1999, 1);
  journal.put_a(3000, 7);
  journal.put_a(4000, 60);  // after it
  CHECK(on_grid(journal, 1000, 4000, 1000, Agg::avg) == Values{2, kNone, 7});
  CHECK(on_grid(journal, 1000, 4000, 1000, Agg::min) == Values{1, kNone, 7});
  CHECK(on_grid(journal, 1000, 4000, 1000, Agg::max) == Values{4, kNone, 7});
  CHECK(on_grid(journal, 1000, 4000, 1000, Agg::sum) == Values{6, kNone, 7});
  CHECK(on_grid(journal, 1000, 4000, 1000, Agg::last) == Values{1, kNone, 7});
  const Result<Columns> grid = journal.fold({1000, 3500, 1000, Agg::avg});  // the last cell is shorter
  REQUIRE(grid.ok());
  CHECK(*(*grid)[0].times == Times{1000, 2000, 3000});
}

TEST_CASE("a rate is the increase of neighbours by their time, in the later one's cell") {
  Journal journal;
  journal.put_a(0, 100);
  journal.put_a(1000, 110);
  journal.put_a(2000, 130);
  journal.put_a(5000, 190);  // a gap: its increase comes when it is known
  CHECK(on_grid(journal, 0, 6000, 1000, Agg::rate) == Values{kNone, 10, 20, kNone, kNone, 20});
  CHECK(on_grid(journal, 1000, 5000, 4000, Agg::rate) == Values{15});  // the sample before the grid counts
  CHECK(on_grid(journal, 1000, 5000, 4000, Agg::rate, 0) == Values{20});
}

TEST_CASE("a counter that fell began anew") {
  Journal journal;
  journal.put_a(0, 100);
  journal.put_a(1000, 5);
  journal.put_a(2000, 8);
  CHECK(on_grid(journal, 0, 3000, 1000, Agg::rate) == Values{kNone, kNone, 3});
}

TEST_CASE("no rate crosses a boot, even if the counter did not fall") {
  Journal journal;
  journal.put_a(0, 100, "x");
  journal.put_a(1000, 500, "y");
  journal.put_a(2000, 501, "y");
  journal.put_a(3000, 502, "");  // unknown: no reason to break
  journal.put_a(4000, 503, "y");
  CHECK(on_grid(journal, 0, 5000, 1000, Agg::rate) == Values{kNone, kNone, 1, 1, 1});
}

TEST_CASE("a boot is noted even in rows that lack the series") {
  Journal journal;
  journal.put_a(0, 100, "x");
  journal.put(1000, journal.set, {1}, {1}, "y");
  journal.put_a(2000, 500, "y");
  CHECK(on_grid(journal, 0, 3000, 1000, Agg::rate, 0, {{{"a"}}, {}}) == Values{kNone, kNone, kNone});
}

TEST_CASE("an impossible grid is refused") {
  Journal journal;
  journal.put_a(0, 100);
  CHECK_FALSE(journal.fold({0, 1000, 0, Agg::avg}).ok());
  CHECK_FALSE(journal.fold({1000, 1000, 1, Agg::avg}).ok());
  CHECK_FALSE(journal.fold({0, kForever, 1, Agg::avg}).ok());
  CHECK_FALSE(journal.fold({std::numeric_limits<std::int64_t>::min(), kForever, 1, Agg::avg}, 0).ok());
}

TEST_CASE("columns fold across, cell by cell") {
  Journal journal;
  journal.put(0, journal.set, {0, 1, 2}, {1, 10, 30});
  journal.put(1000, journal.set, {0, 2}, {2, 50});
  const Result<Columns> grid = journal.fold({0, 3000, 1000, Agg::avg});
  REQUIRE(grid.ok());
  const Result<Columns> folded = grid->across(Agg::avg, std::array{1U, 0U, 0U});
  REQUIRE(folded.ok());
  REQUIRE(folded->size() == 2);
  CHECK((*folded)[0].key.text() == "disk.read_bytes");
  CHECK(cells((*folded)[0]) == Values{20, 50, kNone});
  CHECK(cells((*folded)[1]) == Values{1, 2, kNone});
  const Result<Columns> mixed = grid->across(Agg::sum, std::array{0U, 0U, 0U});
  CHECK((*mixed)[0].key.type().empty());  // several types: none of them
  CHECK(cells((*mixed)[0]) == Values{41, 52, kNone});
  CHECK_FALSE(grid->across(Agg::rate, std::array{0U, 0U, 0U}).ok());
  CHECK_FALSE(grid->across(Agg::sum, std::array{0U, 0U}).ok());
  CHECK_FALSE(grid->across(Agg::sum, std::array{0U, 0U, 2U}).ok());
  CHECK_FALSE(grid->across(Agg::sum, std::array{0U, 0U, UINT32_MAX}).ok());
  CHECK_FALSE(journal.read().across(Agg::sum, std::array{0U, 0U, 0U}).ok());  // not on a grid
}

TEST_CASE("columns of several hosts stand side by side, and say whose they are") {
  Journal web;
  Journal db;
  web.put_a(0, 1);
  db.put_a(500, 2);
  const std::vector<StoredRow> rows[] = {web.stored(), db.stored()};
  const Result<Columns> both =
      fold_hosts(web.sets, std::array{StoredHost{{}, rows[0]}, StoredHost{{}, rows[1]}}, {},
                 {0, 1000, 1000, Agg::last}, 0, {SIZE_MAX, SIZE_MAX, 7});
  REQUIRE(both.ok());
  REQUIRE(both->size() == 2);
  CHECK((*both)[0].host == 7);
  CHECK((*both)[1].host == 8);
  CHECK(cells((*both->across(Agg::sum, std::array{0U, 0U}))[0]) == Values{3});
  const Columns first = web.read();
  CHECK(join_columns(std::array{&first, &*both}).size() == 3);
}

TEST_CASE("limits of an answer are said, not cut to") {
  Journal journal;
  journal.put(1000, journal.set, {0, 1}, {1, 2});
  journal.put(2000, journal.set, {0}, {3});
  const std::vector<StoredRow> rows = journal.stored();
  const std::array hosts{StoredHost{{}, rows}};
  CHECK(read_hosts(journal.sets, hosts, {}, 0, kForever, {1, SIZE_MAX, 0}).error().kind ==
        Error::Kind::too_large);
  CHECK(read_hosts(journal.sets, hosts, {}, 0, kForever, {2, 1, 0}).error().kind == Error::Kind::too_large);
  CHECK(read_hosts(journal.sets, hosts, {}, 0, kForever, {2, 2, 0}).ok());
}

TEST_CASE("columns write their own JSON") {
  Journal journal;
  journal.put(1738858800000, journal.set, {0, 1}, {4.2, 4294967296});
  journal.put(1738858800250, journal.set, {0}, {-0.1});
  const Columns columns = journal.read();
  CHECK(columns.json(std::array<std::string_view, 2>{R"("n":1)", ""}) ==
        R"({"n":1,"times":[1738858800,1738858800.25],"values":[4.2,-0.1]},)"
        R"({"times":[1738858800],"values":[4294967296]})");
  const Result<Columns> grid = journal.fold({1738858790000, 1738858810000, 10000, Agg::last});
  CHECK(grid->json(std::array<std::string_view, 2>{"", ""}) ==
        R"({"times":[1738858790,1738858800],"values":[null,-0.1]},)"
        R"({"times":[1738858790,1738858800],"values":[null,4294967296]})");
  CHECK(Columns({}).json({}).empty());
}

}  // namespace sysmon
