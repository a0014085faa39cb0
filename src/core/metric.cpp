#include "sysmon/metric.hpp"

namespace sysmon {

std::string_view to_string(Unit unit) {
  switch (unit) {
    case Unit::none:
      return "";
    case Unit::percent:
      return "percent";
    case Unit::bytes:
      return "bytes";
    case Unit::bytes_per_second:
      return "bytes_per_second";
    case Unit::seconds:
      return "seconds";
    case Unit::celsius:
      return "celsius";
    case Unit::hertz:
      return "hertz";
    case Unit::watts:
      return "watts";
    case Unit::joules:
      return "joules";
    case Unit::volts:
      return "volts";
    case Unit::rpm:
      return "rpm";
    case Unit::bits:
      return "bits";
    case Unit::boolean:
      return "boolean";
  }
  return "";
}

std::string_view to_string(Kind kind) { return kind == Kind::counter ? "counter" : "gauge"; }

}  // namespace sysmon
