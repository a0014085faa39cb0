// Every collector's line of the registry; each is defined in the file of its family. registry.cpp puts them
// in order.
#pragma once

#include "sysmon/collector.hpp"

namespace sysmon {

extern const CollectorInfo kBatteryCollector;
extern const CollectorInfo kConntrackCollector;
extern const CollectorInfo kCpuCollector;
extern const CollectorInfo kDiskCollector;
extern const CollectorInfo kDiskioCollector;
extern const CollectorInfo kKernelCollector;
extern const CollectorInfo kLoadCollector;
extern const CollectorInfo kMemoryCollector;
extern const CollectorInfo kNetworkCollector;
extern const CollectorInfo kPressureCollector;
extern const CollectorInfo kProcessCollector;
extern const CollectorInfo kRaidCollector;
extern const CollectorInfo kSensorCollector;
extern const CollectorInfo kSocketsCollector;
extern const CollectorInfo kSoftnetCollector;
extern const CollectorInfo kSwapCollector;
extern const CollectorInfo kSystemCollector;
extern const CollectorInfo kSystemInfoCollector;
extern const CollectorInfo kSystemdCollector;
extern const CollectorInfo kTcpCollector;
extern const CollectorInfo kTimeCollector;
extern const CollectorInfo kUdpCollector;
extern const CollectorInfo kVmstatCollector;

}  // namespace sysmon
