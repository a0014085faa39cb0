// readings_of: what a slow collector found, as lines that a test can write down:
// `disk.total_bytes{/,vda,ext4} 42`.
#pragma once

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

#include "sysmon/collector.hpp"

namespace sysmon {

struct Gathered {
  std::vector<std::string> lines;
  Result<void> result;
};

inline std::string reading_line(const Reading& reading) {
  std::ostringstream line;
  line.precision(17);
  line << reading.metric->name;
  for (std::size_t i = 0; i < reading.tag_values.size(); ++i)
    line << (i == 0 ? '{' : ',') << reading.tag_values[i];
  if (!reading.tag_values.empty()) line << '}';
  line << ' ' << reading.value;
  return line.str();
}

inline Gathered readings_of(SlowCollector& collector) {
  std::vector<Reading> readings;
  Gathered gathered;
  gathered.result = collector.gather(readings);
  for (const Reading& reading : readings) gathered.lines.push_back(reading_line(reading));
  return gathered;
}

}  // namespace sysmon
