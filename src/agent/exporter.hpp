// Exporter: the newest value of every series at http://127.0.0.1:PORT/metrics, for a Prometheus on this host.
//
// Off unless `prometheus.listen` names an address, which has to be a loopback one. One thread, one request at a
// time; the collector hands over its batches and never waits for a client.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "sysmon/result.hpp"
#include "sysmon/sample.hpp"

namespace sysmon::agent {

class Exporter {
 public:
  // `listen` as the configuration checked it: "127.0.0.1:9101", "[::1]:9101". `interval` is that of the ticks: a
  // series that missed two readings is no longer shown. Error: the address cannot be bound.
  [[nodiscard]] static Result<std::unique_ptr<Exporter>> open(const std::string& listen, std::string hostname,
                                                              std::chrono::milliseconds interval);
  ~Exporter();  // ends the thread, and a request that is under way
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  // Collector thread.
  void take(const SampleBatch& batch);

 private:
  struct Impl;
  explicit Exporter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sysmon::agent
