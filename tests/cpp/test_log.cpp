#include <doctest/doctest.h>

#include "sysmon/log.hpp"

using namespace sysmon;

TEST_CASE("a line says its level, for people or for the journal") {
  CHECK(log_line(LogLevel::warning, "slow", false) == "warning: slow\n");
  CHECK(log_line(LogLevel::info, "pushing", false) == "pushing\n");
  CHECK(log_line(LogLevel::error, "broken", true) == "<3>broken\n");
  CHECK(log_line(LogLevel::info, "pushing", true) == "<6>pushing\n");
}

TEST_CASE("nothing a server said can steer a terminal or forge a line") {
  CHECK(log_line(LogLevel::info, "a\nerror: b\x1b[2J\x7f", false) == "a\\x0aerror: b\\x1b[2J\\x7f\n");
  CHECK(log_line(LogLevel::info, "\u009b31m größe", false) == "\\xc2\\x9b31m größe\n");
  CHECK(log_line(LogLevel::info, "\x9b", false) == "\\x9b\n");
}
