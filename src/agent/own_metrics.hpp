// The publisher's counters as samples of the tick.
#pragma once

#include "sysmon/collector.hpp"
#include "sysmon/network_publisher.hpp"

namespace sysmon::agent {

// Collector thread; `stats` is written by the publisher's meanwhile.
void emit_publisher_metrics(const PublisherStats& stats, const Tick& tick, SampleSink& out);

}  // namespace sysmon::agent
