#include <doctest/doctest.h>

#include "core/spool/crc32c.hpp"
#include "core/spool/record.hpp"
#include "spool_box.hpp"

using namespace sysmon;
using namespace sysmon::test;

TEST_CASE("crc32c is the one of RFC 3720") {
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aaU);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43U);
  CHECK(crc32c("123456789") == 0xe3069283U);
  CHECK(crc32c("6789", crc32c("12345")) == crc32c("123456789"));
  // With the processor's instruction and without, of any length and from any address.
  std::string bytes;
  for (std::size_t size = 0; size < 100; ++size) {
    for (std::size_t from = 0; from < std::min<std::size_t>(size, 9); ++from) {
      const auto part = std::string_view(bytes).substr(from);
      CHECK(crc32c(part, 7) == crc32c_detail::by_tables(part, 7));
    }
    bytes += static_cast<char>(size * 131 + 17);
  }
}

TEST_CASE("a record reads back; any flipped bit and any cut is noticed") {
  Record record;
  record.stream = parse_id128(kStream);
  record.seq = 42;
  record.ts_first = -1;
  record.boottime_ms = 1234567890123;
  record.samples = 7;
  record.payload = "some bytes";
  std::string bytes;
  append_record(bytes, record);
  const auto back = parse_record(bytes);
  REQUIRE(back);
  CHECK(back->stream == record.stream);
  CHECK(back->seq == 42);
  CHECK(back->ts_first == -1);
  CHECK(back->boottime_ms == 1234567890123);
  CHECK(back->samples == 7);
  CHECK(back->payload == "some bytes");
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    CHECK(!parse_record(damaged));
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK(!parse_record(bytes.substr(0, size)));
}

TEST_CASE("a resealed batch says what it was called before; its payload has the room of any other") {
  const std::string payload(kMaxPayloadBytes, 'x');
  Record record;
  record.kind = RecordKind::plain_resealed;
  record.stream = parse_id128(kOther);
  record.seq = 1;
  record.before = {parse_id128(kStream), 42};
  record.payload = payload;
  std::string bytes;
  append_record(bytes, record);
  CHECK(bytes.size() == record.bytes());
  const auto back = parse_record(bytes);
  REQUIRE(back);
  CHECK((back->is_batch() && back->is_resealed() && !back->is_gzip()));
  CHECK(back->before.stream == record.before.stream);
  CHECK(back->before.seq == 42);
  CHECK(back->payload == payload);
  CHECK(back->bytes() == bytes.size());

  const auto is_record = [](const Record& one) {
    std::string written;
    append_record(written, one);
    return parse_record(written).has_value();
  };
  record.kind = RecordKind::plain_batch;
  CHECK(is_record(record));
  const std::string too_long = payload + "x";
  record.payload = too_long;
  CHECK(!is_record(record));
  record.payload = "";
  record.kind = RecordKind::gzip_resealed;
  CHECK(is_record(record));
  record.before.seq = kMaxSeq + 1;
  CHECK(!is_record(record));
}

TEST_CASE("a stream is 32 hexadecimal digits, with or without dashes") {
  CHECK(to_text(parse_id128("0123456789abcdef0123456789abcdef")) == "0123456789abcdef0123456789abcdef");
  CHECK(to_text(parse_id128("01234567-89ab-cdef-0123-456789abcdef")) == "0123456789abcdef0123456789abcdef");
  for (const char* bad :
       {"", "0123", "0123456789abcdef0123456789abcdeg", "0123456789abcdef0123456789abcdef0"})
    CHECK(parse_id128(bad) == Id128{});
}
