// The publisher's counters as samples of the tick.
#pragma once

#include <cstddef>

#include "sysmon/collector.hpp"
#include "sysmon/network_publisher.hpp"

namespace sysmon::agent {

// Collector thread; `stats` is written by the publisher's meanwhile.
void emit_publisher_metrics(const PublisherStats& stats, const Tick& tick, SampleSink& out);

// The ledger's. `on_the_way`: batches in the ring, read before `ledger` was, so that none is in neither.
void emit_ledger(const PublisherLedger& ledger, std::size_t on_the_way, SampleSink& out);

}  // namespace sysmon::agent
