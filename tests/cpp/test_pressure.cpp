#include <doctest/doctest.h>

#include "sysmon/parse/pressure.hpp"

using sysmon::parse_pressure;
using sysmon::Pressure;
using sysmon::PressureLine;

TEST_CASE("pressure: both lines of a resource") {
  const auto pressure = parse_pressure(
      "some avg10=0.69 avg60=0.67 avg300=0.76 total=32420789\n"
      "full avg10=0.29 avg60=0.37 avg300=0.20 total=25085374\n");
  REQUIRE(pressure.ok());
  CHECK(*pressure ==
        Pressure{PressureLine{0.69, 0.67, 0.76, 32420789}, PressureLine{0.29, 0.37, 0.20, 25085374}});
}

TEST_CASE("pressure: cpu has no full line before 5.13, irq no some line") {
  const auto cpu = parse_pressure("some avg10=1.00 avg60=0.00 avg300=0.00 total=5\n");
  REQUIRE(cpu.ok());
  CHECK(cpu->some.has_value());
  CHECK_FALSE(cpu->full.has_value());
  const auto irq = parse_pressure("full avg10=0.00 avg60=0.00 avg300=0.00 total=0");
  REQUIRE(irq.ok());
  CHECK_FALSE(irq->some.has_value());
}

TEST_CASE("pressure: what a later kernel may add is ignored, what is missing is not") {
  CHECK(parse_pressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=1 avg3600=0.00\n").ok());
  CHECK(parse_pressure("half avg10=x\n").ok());
  CHECK(parse_pressure("").ok());
  for (const char* text :
       {"some", "some avg10=0.00", "some avg10=0.00 avg60=0.00 avg300=0.00", "some avg10=x",
        "some avg10=nan avg60=0 avg300=0 total=1", "some avg60=0.00 avg10=0.00",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=18446744073709551616",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=-1",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\r\n"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_pressure(text).ok());
  }
}
