#include <doctest/doctest.h>

#include "sysmon/parse/sockstat.hpp"

using sysmon::parse_sockstat;
using sysmon::Sockstat;

TEST_CASE("sockstat: a whole file") {
  const auto sockstat = parse_sockstat(
      "sockets: used 30\n"
      "TCP: inuse 8 orphan 1 tw 129 alloc 9 mem 3\n"
      "UDP: inuse 0 mem 0\n"
      "FRAG: inuse 0 memory 0\n");
  REQUIRE(sockstat.ok());
  CHECK(*sockstat == Sockstat{30, 8, 1, 129, 9, 3});
}

TEST_CASE("sockstat: in a network namespace of its own some fields are missing") {
  const auto sockstat = parse_sockstat("TCP: inuse 8\n");
  REQUIRE(sockstat.ok());
  CHECK(sockstat->tcp_inuse == 8);
  CHECK_FALSE(sockstat->tcp_memory_pages.has_value());
  CHECK(parse_sockstat("").ok());
}

TEST_CASE("sockstat: a known name without its number is an error") {
  for (const char* text : {"TCP: inuse", "TCP: inuse x", "sockets: used -1", "TCP: orphan 0 tw 1\r\n"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_sockstat(text).ok());
  }
}
