#include "sysmon/journal.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "core/store/bytes.hpp"

namespace sysmon {

namespace {

std::vector<std::uint32_t> all_of(std::size_t size) {
  std::vector<std::uint32_t> positions(size);
  std::iota(positions.begin(), positions.end(), 0U);
  return positions;
}

RowHead head_of(std::size_t set_size) { return {3, 0x12345678, static_cast<std::uint32_t>(set_size)}; }

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return std::ranges::equal(a, b, [](double x, double y) {
    return std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y);
  });
}

void check_round_trip(const RowHead& head, const std::vector<std::uint32_t>& positions,
                      const std::vector<double>& values) {
  const std::string payload = pack_row(head, positions, values);
  const Result<RowView> row = RowView::parse(payload);
  REQUIRE(row.ok());
  CHECK(row->key_set() == head.key_set);
  CHECK(row->boot() == head.boot);
  CHECK(row->set_size() == head.set_size);
  CHECK(row->samples() == values.size());
  RowSamples samples;
  row->read(samples);
  CHECK(samples.positions == positions);
  CHECK(same_bits(samples.values, values));
}

std::size_t bytes_of(double value) {
  return pack_row(head_of(1), all_of(1), std::vector{value}).size() -
         pack_row(head_of(1), all_of(1), std::vector{0.0}).size();
}

}  // namespace

TEST_CASE("values come back bit by bit") {
  const std::vector<double> values{0.0,
                                   -0.0,
                                   1,
                                   -1,
                                   255,
                                   256,
                                   0.01,
                                   99.99,
                                   655.35,
                                   -40.5,
                                   0.1 + 0.2,
                                   1e-9,
                                   123456.789,
                                   281474976710655.0,  // 2^48 - 1
                                   281474976710656.0,  // 2^48
                                   8589934592,
                                   4398046510080.0,  // 2^42 - 1024, the last of code 14
                                   4398046511104.0,
                                   0.065535,
                                   0.065536,
                                   42949672.95,
                                   42949672.96,
                                   9007199254740993.0,     // 2^53 and one lost bit
                                   9223372036854775808.0,  // 2^63
                                   2147.483647,
                                   2147.483648,
                                   -2147.483648,
                                   281474976.710655,
                                   std::numeric_limits<double>::denorm_min(),
                                   -std::numeric_limits<double>::denorm_min(),
                                   std::numeric_limits<double>::min(),
                                   std::numeric_limits<double>::max(),
                                   std::numeric_limits<double>::lowest(),
                                   3.141592653589793};
  check_round_trip(head_of(values.size()), all_of(values.size()), values);
  for (const double value : values) check_round_trip(head_of(1), all_of(1), {value});
}

TEST_CASE("random values of every kind come back bit by bit") {
  std::mt19937_64 random(1);  // NOLINT(bugprone-random-generator-seed): the same values each time
  for (int round = 0; round < 200; ++round) {
    std::vector<double> values;
    for (int i = 0; i < 100; ++i) {
      const std::uint64_t bits = random();
      switch (i % 4) {
        case 0:
          values.push_back(static_cast<double>(bits >> (bits % 64)));
          break;
        case 1:
          values.push_back(static_cast<double>(bits % 100'000'000) / 100.0);
          break;
        case 2:
          values.push_back(-static_cast<double>(bits % 5'000'000'000) / 1e6);
          break;
        default:
          const double any = std::bit_cast<double>(bits);
          values.push_back(std::isfinite(any) ? any : 0.0);
      }
    }
    check_round_trip(head_of(100), all_of(100), values);
  }
}

TEST_CASE("what collectors send is short") {
  CHECK(bytes_of(0) == 0);
  CHECK(bytes_of(7) == 1);
  CHECK(bytes_of(12.5) == 2);
  CHECK(bytes_of(99.99) == 2);
  CHECK(bytes_of(8'000'000'001) == 5);
  CHECK(bytes_of(8'589'934'592) == 4);  // 8 GiB
  CHECK(bytes_of(0.000035) == 2);
  CHECK(bytes_of(12.345678) == 4);
  CHECK(bytes_of(0.1 + 0.2) == 8);
}

TEST_CASE("absent samples are absent") {
  for (const auto& positions : std::vector<std::vector<std::uint32_t>>{
           {}, {0}, {9}, {0, 9}, {0, 1, 2, 3, 5, 6, 7, 8, 9}, {0, 2, 4, 6, 8}, {4, 5, 6}}) {
    std::vector<double> values(positions.begin(), positions.end());
    for (double& value : values) value *= 1.5;
    check_round_trip(head_of(10), positions, values);
  }
  std::vector<std::uint32_t> odd;
  odd.reserve(1000);
  for (std::uint32_t i = 1; i < 2000; i += 2) odd.push_back(i);
  check_round_trip(head_of(2000), odd, std::vector<double>(odd.size(), 1.0));
  // One hole in 250: as good as none.
  std::vector<std::uint32_t> holed = all_of(250);
  holed.erase(holed.begin() + 100);
  CHECK(pack_row(head_of(250), holed, std::vector<double>(249)).size() <=
        pack_row(head_of(250), all_of(250), std::vector<double>(250)).size() + 6);
}

TEST_CASE("some positions can be read without the others") {
  const std::vector<std::uint32_t> positions{1, 2, 3, 7, 8, 40};
  const std::vector<double> values{1.25, 300, 0, 1e9, 0.1 + 0.2, 7};
  for (const std::uint32_t set_size : {41U, 400U}) {  // a bitmap, and runs
    const std::string payload = pack_row(head_of(set_size), positions, values);
    const Result<RowView> row = RowView::parse(payload);
    REQUIRE(row.ok());
    RowSamples samples;
    row->read_some(std::vector<std::uint32_t>{0, 2, 4, 7, 40}, samples);
    CHECK(samples.positions == std::vector<std::uint32_t>{1, 3, 4});  // indexes of 2, 7 and 40
    CHECK(same_bits(samples.values, {300, 1e9, 7}));
    row->read_some({}, samples);
    CHECK(samples.values.empty());
  }
}

TEST_CASE("a cut or flipped row is refused") {
  const std::string payload =
      pack_row(head_of(40), std::vector<std::uint32_t>{1, 2, 9}, std::vector{1.5, 2.0, 1e6});
  for (std::size_t size = 0; size < payload.size(); ++size)
    CHECK_FALSE(RowView::parse(payload.substr(0, size)).ok());
  for (std::size_t bit = 0; bit < payload.size() * 8; ++bit) {
    std::string flipped = payload;
    flipped[bit / 8] = static_cast<char>(static_cast<unsigned char>(flipped[bit / 8]) ^ (1U << (bit % 8)));
    CHECK_FALSE(RowView::parse(flipped).ok());
  }
}

TEST_CASE("a row that lies with a good checksum is refused") {
  const auto refused = [](std::uint64_t set_size, std::uint64_t samples, std::string_view presence,
                          std::string_view rest) {
    std::string payload(1, '\1');
    put_varint(payload, 1);
    put_fixed(payload, std::uint32_t{0});
    put_varint(payload, set_size);
    put_varint(payload, samples);
    payload.append(presence).append(rest);
    put_fixed(payload, checksum(payload));
    return !RowView::parse(payload).ok();
  };
  using namespace std::string_view_literals;             // NOLINT(google-build-using-namespace)
  CHECK_FALSE(refused(2, 2, "\0"sv, "\x11\7\7"sv));      // the control: two values of a byte
  CHECK(refused(1, 2, "\0"sv, "\x11\7\7"sv));            // more samples than keys
  CHECK(refused(3, 2, "\0"sv, "\x11\7\7"sv));            // all, but not all
  CHECK(refused(2, 2, "\0"sv, "\x11\7"sv));              // a value short
  CHECK(refused(2, 2, "\0"sv, "\x11\7\7\7"sv));          // a value over
  CHECK(refused(2, 2, "\3"sv, "\x11\7\7"sv));            // unknown presence
  CHECK(refused(2, 2, "\1\2\0\3"sv, "\x11\7\7"sv));      // a run past the set's end
  CHECK(refused(9, 2, "\1\4\0\1\0\2"sv, "\x11\7\7"sv));  // three present, two sent
  CHECK_FALSE(refused(9, 2, "\1\4\0\1\7\1"sv, "\x11\7\7"sv));
  CHECK(
      refused(9, 2, "\1\x0C\5\1\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\1"sv, "\x11\7\7"sv));  // a run backwards
  CHECK_FALSE(refused(9, 2, "\2\1\1"sv, "\x11\7\7"sv));  // the bits of positions 0 and 8
  CHECK(refused(9, 2, "\2\1\2"sv, "\x11\7\7"sv));        // position 9 of nine keys
}

TEST_CASE("a boot is known by its hash") {
  CHECK(hash_of_boot("") == 0);
  CHECK(hash_of_boot("b6f1d7aa") != 0);
  CHECK(hash_of_boot("b6f1d7aa") == hash_of_boot("b6f1d7aa"));
  CHECK(hash_of_boot("b6f1d7aa") != hash_of_boot("b6f1d7ab"));
}

TEST_CASE("varints end where they must") {
  std::string bytes;
  put_varint(bytes, UINT64_MAX);
  CHECK(bytes.size() == 10);
  ByteReader in(bytes);
  CHECK(in.varint() == UINT64_MAX);
  CHECK(in.ok());
  CHECK(in.varint() == 0);
  CHECK_FALSE(in.ok());
  CHECK_FALSE([] {
    ByteReader endless("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80");
    (void)endless.varint();
    return endless.ok();
  }());
}

}  // namespace sysmon
