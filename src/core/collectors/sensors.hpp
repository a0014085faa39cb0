// The sensor collector, with what a test replaces: the blocking read and the clock.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "sysmon/clock.hpp"
#include "sysmon/collector.hpp"

namespace sysmon {

// Reads one attribute. Called by several threads at a time.
using ReadAttribute = std::function<Result<std::string>(const std::string& path)>;

// `clock` must outlive the collector.
[[nodiscard]] std::unique_ptr<SlowCollector> make_sensor_collector(const ProcRoot& root, ReadAttribute read,
                                                                   const Clock& clock);

}  // namespace sysmon
