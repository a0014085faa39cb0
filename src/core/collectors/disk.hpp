// The disk collector, with what a test replaces: the blocking call and the clock.
#pragma once

#include <memory>

#include "sysmon/clock.hpp"
#include "sysmon/collector.hpp"
#include "sysmon/filesystem.hpp"

namespace sysmon {

// `clock` must outlive the collector.
[[nodiscard]] std::unique_ptr<SlowCollector> make_disk_collector(const ProcRoot& root,
                                                                 const DeviceFilter& filter, ReadSpace read,
                                                                 const Clock& clock);

}  // namespace sysmon
