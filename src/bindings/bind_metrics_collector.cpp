#include <pybind11/stl.h>

#include <cmath>

#include "bindings/bindings.hpp"
#include "sysmon/metrics_collector.hpp"
#include "sysmon/ring_buffer.hpp"

namespace sysmon::bindings {

namespace {

// MetricsCollector with the ring that its thread fills and Python drains.
//
// Threads: the collector thread produces; the consumer is whoever holds the GIL.
class RingedCollector {
 public:
  RingedCollector(MetricsCollectorOptions options, std::size_t ring_capacity)
      : ring_(ring_capacity), collector_(std::move(options)) {
    collector_.on_batch([this](const SampleBatch& batch) {
      if (is_sampling_) return;
      if (SampleBatch* slot = ring_.try_claim()) {
        *slot = batch;  // into the slot's own buffers
        ring_.publish();
      }
    });
  }

  SampleBatch sample() {
    require_stopped("sample");
    is_sampling_ = true;
    SampleBatch batch;
    {
      const py::gil_scoped_release release;
      batch = collector_.sample();
    }
    is_sampling_ = false;
    return batch;
  }
  void start() {
    require_stopped("start");
    is_started_ = true;
    const py::gil_scoped_release release;
    collector_.start();
  }
  void stop() {
    is_started_ = false;
    const py::gil_scoped_release release;
    collector_.stop();
  }
  std::vector<SampleBatch> drain() {
    std::vector<SampleBatch> batches;
    ring_.drain([&batches](const SampleBatch& batch) { batches.push_back(batch); });
    return batches;
  }
  [[nodiscard]] std::vector<CollectorStatus> status() const { return collector_.status(); }
  [[nodiscard]] std::uint64_t dropped() const { return ring_.dropped(); }

 private:
  void require_stopped(const char* call) const {
    if (is_started_)
      throw std::runtime_error(std::string(call) + ": the collector is started; stop it first");
    if (is_sampling_) throw std::runtime_error(std::string(call) + ": another thread is in sample()");
  }

  RingBuffer<SampleBatch> ring_;
  bool is_started_ = false;     // changed with the GIL only
  bool is_sampling_ = false;    // not while started: the collector thread never sees it change
  MetricsCollector collector_;  // last: its thread ends before the ring does
};

std::unique_ptr<RingedCollector> make(double interval_s, std::string proc_root,
                                      std::vector<std::string> enable, std::vector<std::string> disable,
                                      std::size_t ring_capacity) {
  if (!(interval_s >= 0.05 && interval_s <= 86400)) {
    throw py::value_error("interval_s: 0.05 to 86400 was expected, " + std::to_string(interval_s) + " came");
  }
  if (ring_capacity == 0 || ring_capacity > 1U << 16U)
    throw py::value_error("ring_capacity: 1 to 65536 was expected");
  MetricsCollectorOptions options;
  options.interval = std::chrono::milliseconds(std::llround(interval_s * 1e3));
  options.root = ProcRoot(std::move(proc_root));
  options.metrics = {std::move(enable), std::move(disable)};
  return std::make_unique<RingedCollector>(std::move(options), ring_capacity);
}

py::list samples_of(const SampleBatch& batch) {
  py::list samples;
  for (const Sample& sample : batch.samples) {
    const Series& series = (*batch.series)[sample.series];
    py::dict tags;
    for (const Tag& tag : series.tags) tags[to_str(tag.key)] = to_str(tag.value);
    samples.append(py::make_tuple(to_str(series.metric->name), tags, sample.value));
  }
  return samples;
}

}  // namespace

void bind_metrics_collector(py::module_& m) {
  py::class_<SampleBatch>(m, "Batch", "One tick's samples of this machine.")
      .def_readonly("time_ms", &SampleBatch::wall_ms)
      .def_readonly("tick", &SampleBatch::tick)
      .def("__len__", [](const SampleBatch& batch) { return batch.samples.size(); })
      .def("samples", &samples_of);
  py::class_<CollectorStatus>(m, "CollectorStatus", "How a collector fared.")
      .def_property_readonly("name", [](const CollectorStatus& status) { return to_str(status.name); })
      .def_readonly("up", &CollectorStatus::up)
      .def_readonly("errors", &CollectorStatus::errors)
      .def_readonly("last_seconds", &CollectorStatus::last_seconds)
      .def_readonly("last_error", &CollectorStatus::last_error);
  py::class_<RingedCollector>(
      m, "MetricsCollector",
      "Reads this machine, or a recorded tree, on its own native thread; a full ring refuses "
      "the newest.")
      .def(py::init(&make), py::arg("interval_s") = 1.0, py::arg("proc_root") = "/", py::kw_only(),
           py::arg("enable") = py::tuple(), py::arg("disable") = py::tuple(), py::arg("ring_capacity") = 64)
      .def("sample", &RingedCollector::sample)
      .def("start", &RingedCollector::start)
      .def("stop", &RingedCollector::stop)
      .def("drain", &RingedCollector::drain)
      .def("status", &RingedCollector::status)
      .def_property_readonly("dropped", &RingedCollector::dropped)
      .def("__enter__",
           [](const py::object& self) {
             self.cast<RingedCollector&>().start();
             return self;
           })
      .def(
          "__exit__",
          [](RingedCollector& self, const py::object& /*kind*/, const py::object& /*error*/,
             const py::object& /*trace*/) { self.stop(); },
          py::arg("kind"), py::arg("error"), py::arg("trace"));
}

}  // namespace sysmon::bindings
