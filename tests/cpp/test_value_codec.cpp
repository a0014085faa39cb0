#include "core/store/value_codec.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cstring>
#include <limits>
#include <random>

#include "core/store/entropy.hpp"

namespace sysmon {

namespace {

std::string packed(const std::vector<double>& values) {
  std::string out;
  put_values(out, values);
  return out;
}

bool comes_back(const std::vector<double>& values) {
  const std::string bytes = packed(values);
  std::vector<double> found(values.size());
  ByteReader in(bytes);
  take_values(in, found);
  return in.ok() && in.rest().empty() &&
         std::memcmp(found.data(), values.data(), values.size() * sizeof(double)) == 0;
}

}  // namespace

TEST_CASE("every double comes back bit by bit") {
  constexpr double kMax = std::numeric_limits<double>::max();
  constexpr double kLeast = std::numeric_limits<double>::denorm_min();
  const std::vector<std::vector<double>> lists{{0.0},
                                               {-0.0},
                                               {0.0, -0.0, 0.0},
                                               {1.5, 1.5, 1.5},
                                               {0.1, 0.2, 0.30000000000000004},
                                               {9007199254740992.0, 9007199254740994.0, 1e300},
                                               {9223372036854775808.0, -9223372036854775808.0},
                                               {kMax, -kMax, kLeast, -kLeast, 0},
                                               {1e15 + 0.5, 3.25, 1e6},
                                               {123456.789012, -0.000001, 7}};
  for (const std::vector<double>& values : lists) CHECK(comes_back(values));
}

TEST_CASE("random walks, counters, noise and rare events come back") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> values;
    double value = static_cast<double>(random() % 1'000'000);
    const std::uint64_t scale = UINT64_C(1) << random() % 40;
    for (std::size_t i = 0; i < 1 + random() % 400; ++i) {
      switch (round % 4) {
        case 0:
          value += static_cast<double>(random() % scale) - static_cast<double>(scale / 2);
          break;
        case 1:
          value += static_cast<double>(random() % scale) * 4096;
          break;
        case 2:
          value = static_cast<double>(random() % 10'000) / 100;
          break;
        default:
          value = random() % 50 == 0 ? static_cast<double>(random() % scale) : 0;
      }
      values.push_back(value);
    }
    CHECK(comes_back(values));
  }
}

TEST_CASE("what changes little takes little") {
  CHECK(packed(std::vector<double>(360, 42.0)).size() == 2);
  std::vector<double> pages;
  for (int i = 0; i < 360; ++i) pages.push_back(1e9 * 4096 + i * 4096.0);
  CHECK(packed(pages).size() == 10);  // coding, first, centre: nothing for each
  std::vector<double> rare(360, 0.0);
  rare[17] = rare[200] = 1;
  CHECK(packed(rare).size() < 24);
}

TEST_CASE("what grows steadily is read whether or not its zeros are written out") {
  const std::vector<std::int64_t> ticks{1'000, 1'010, 1'020, 1'030};
  std::string bytes;
  put_integers_as_series(bytes, ticks);
  std::string written_out;
  written_out.push_back(static_cast<char>(2U << 3U));  // differences
  put_varint(written_out, to_zigzag(1'000));
  put_varint(written_out, to_zigzag(10));
  written_out.append(2, '\0');  // model and shift
  put_integers(written_out, std::vector<std::uint64_t>(3, 0), {0, 0});
  CHECK(bytes.size() < written_out.size());
  for (const std::string& form : {bytes, written_out}) {
    std::vector<std::int64_t> found(ticks.size());
    ByteReader in(form);
    take_integers_as_series(in, found);
    CHECK(in.ok());
    CHECK(in.rest().empty());
    CHECK(found == ticks);
  }
  bytes[0] = static_cast<char>(static_cast<unsigned char>(bytes[0]) | 1U << 6U);  // and a unit, of nothing
  std::vector<std::int64_t> found(ticks.size());
  ByteReader in(bytes);
  take_integers_as_series(in, found);
  CHECK(!in.ok());
}

TEST_CASE("decimals are those it takes to write every value") {
  CHECK(decimals_of(std::vector<double>{1, 2, 3}) == 0);
  CHECK(decimals_of(std::vector<double>{1, 2.5, 0.125}) == 3);
  CHECK(decimals_of(std::vector<double>{-0.0}) == kNoDecimals);
  CHECK(decimals_of(std::vector<double>{1.0 / 3}) == kNoDecimals);
  CHECK(decimals_of(std::vector<double>{9e15, 0.5}) == kNoDecimals);  // either fits alone
  CHECK(to_decimals(0.1 + 0.2, 1) == 0.3);
  CHECK(to_decimals(1.0 / 3, kNoDecimals) == 1.0 / 3);
}

TEST_CASE("integers far apart come back: differences wrap around") {
  const std::vector<std::int64_t> values{std::numeric_limits<std::int64_t>::min(),
                                         std::numeric_limits<std::int64_t>::max(), 0, -1, 1};
  std::string bytes;
  put_integers_as_series(bytes, values);
  std::vector<std::int64_t> found(values.size());
  ByteReader in(bytes);
  take_integers_as_series(in, found);
  CHECK(in.ok());
  CHECK(found == values);
}

TEST_CASE("every model and shift gives back what it was given") {
  std::vector<std::uint64_t> values{0, 1, 2, 22, 23, 24, 1000, UINT64_MAX, UINT64_MAX >> 1U};
  for (unsigned model = 0; model < kModels; ++model) {
    for (const unsigned shift : {0U, 1U, 7U, 33U, kMaxShift}) {
      const EntropyModel how{static_cast<std::uint8_t>(model), static_cast<std::uint8_t>(shift)};
      std::string bytes;
      put_integers(bytes, values, how);
      std::vector<std::uint64_t> found(values.size());
      ByteReader in(bytes);
      take_integers({&in, found, how});
      REQUIRE(in.ok());
      REQUIRE(in.rest().empty());
      REQUIRE(found == values);
    }
  }
}

TEST_CASE("two series read side by side are what each is alone") {
  std::mt19937_64 random(11);
  std::vector<std::vector<double>> lists{{1}, std::vector<double>(360, 42.0), {1, 2, 3, 4}, {0.1, 1e300, -5}};
  for (const std::size_t size : {2U, 40U, 360U, 1'000U}) {
    std::vector<double> values;
    for (std::size_t i = 0; i < size; ++i)
      values.push_back(static_cast<double>(random() % 3 == 0 ? random() % 1'000'000 : random() % 20));
    lists.push_back(values);
  }
  for (const std::vector<double>& a : lists) {
    for (const std::vector<double>& b : lists) {
      const std::string bytes_a = packed(a);
      const std::string bytes_b = packed(b);
      ByteReader in_a(bytes_a);
      ByteReader in_b(bytes_b);
      std::vector<double> found_a(a.size());
      std::vector<double> found_b(b.size());
      take_values(in_a, found_a, in_b, found_b);
      REQUIRE(in_a.ok());
      REQUIRE(in_b.ok());
      REQUIRE(in_a.rest().empty());
      REQUIRE(in_b.rest().empty());
      REQUIRE(found_a == a);
      REQUIRE(found_b == b);
      // One that is damaged is told apart from one that is not.
      ByteReader cut(std::string_view(bytes_a).substr(0, bytes_a.size() - 1));
      ByteReader whole(bytes_b);
      take_values(cut, found_a, whole, found_b);
      CHECK(!cut.ok());
      CHECK(whole.ok());
    }
  }
}

TEST_CASE("cut or changed bytes are an error or other numbers, never more") {
  std::vector<double> values;
  for (int i = 0; i < 100; ++i) values.push_back(i * i % 37 / 10.0);
  const std::string bytes = packed(values);
  std::vector<double> found(values.size());
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    ByteReader in(std::string_view(bytes).substr(0, cut));
    take_values(in, found);
    CHECK_FALSE(in.ok());
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    ByteReader in(damaged);
    take_values(in, found);  // the sanitizers watch
  }
}

}  // namespace sysmon
