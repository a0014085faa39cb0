// Sealer: batches from the ring -> JSON -> gzip -> a number in this run's stream -> the spool. From there on the
// bytes never change.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "sysmon/batch_encoder.hpp"
#include "sysmon/network_publisher.hpp"
#include "sysmon/sample.hpp"
#include "sysmon/spool.hpp"

namespace sysmon {

class Sealer {
 public:
  Sealer(Spool& spool, std::string stream) : spool_(spool), stream_(std::move(stream)) {}

  void configure(const PublisherOptions& options, const std::string& agent_id);

  // As several batches where it holds more than the aggregator takes in one; without samples it is a heartbeat.
  // Returns how many were sealed.
  std::size_t seal(const SampleBatch& batch, std::int64_t now_ns);

  // The body of a request that carries no batch.
  [[nodiscard]] std::string_view heartbeat(std::int64_t wall_ms, std::int64_t boottime_ms);

  // From 1 again, in another stream.
  void start_stream(std::string stream);
  [[nodiscard]] const std::string& stream() const { return stream_; }
  std::uint64_t take_seq() { return next_seq_++; }

 private:
  // The facts when they changed or an hour has passed, else nothing.
  [[nodiscard]] std::string_view facts_to_send(std::int64_t now_ns);

  Spool& spool_;
  BatchEncoder encoder_;
  Compression compression_ = Compression::gzip;
  std::function<std::string_view()> read_facts_;
  std::string stream_;
  std::uint64_t next_seq_ = 1;
  std::string facts_;  // as last sent
  std::int64_t facts_due_ns_ = 0;
};

}  // namespace sysmon
