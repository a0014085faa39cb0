// NewestValues: the newest sample of every series this agent has, and the page that Prometheus reads.
//
// Threads: any; a lock is held while a batch is copied or the page is written.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "sysmon/prometheus.hpp"
#include "sysmon/sample.hpp"

namespace sysmon {

class NewestValues {
 public:
  explicit NewestValues(std::chrono::milliseconds interval) : interval_(interval) {}

  void take(const SampleBatch& batch);

  // Without what missed two readings (at least 15 s): it is not measured any more.
  [[nodiscard]] std::string page(NameSet names, const std::string& hostname, std::int64_t now_ms) const;

 private:
  struct Value {
    double value = 0;
    std::int64_t wall_ms = 0;  // 0: there is none
  };
  void keep_list(const std::shared_ptr<const SeriesList>& list);

  const std::chrono::milliseconds interval_;
  mutable std::mutex mutex_;
  std::shared_ptr<const SeriesList> list_;
  std::vector<Value> values_;  // by series
};

}  // namespace sysmon
