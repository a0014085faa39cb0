#include "bindings/bindings.hpp"
#include "sysmon/registry.hpp"

namespace sysmon::bindings {

namespace {

py::list tag_keys(const MetricInfo& metric) {
  py::list keys;
  std::string_view rest = metric.tags;
  while (!rest.empty()) {
    const std::string_view key = rest.substr(0, rest.find(','));
    keys.append(to_str(key));
    rest.remove_prefix(std::min(key.size() + 1, rest.size()));
  }
  return keys;
}

py::str collector_name(const MetricInfo& metric) {
  const CollectorInfo* collector = collector_of(metric);
  return to_str(collector == nullptr ? std::string_view() : collector->name);
}

double interval_s(const MetricInfo& metric) {
  const CollectorInfo* collector = collector_of(metric);
  return collector == nullptr ? 0 : std::chrono::duration<double>(collector->interval).count();
}

py::list registry() {
  py::list all;
  for (const MetricInfo* metric : metrics()) all.append(py::cast(metric, py::return_value_policy::reference));
  return all;
}

}  // namespace

void bind_registry(py::module_& m) {
  // Static storage: Python holds plain references.
  py::class_<MetricInfo, std::unique_ptr<MetricInfo, py::nodelete>>(m, "MetricInfo",
                                                                    "One entry of the registry.")
      .def_property_readonly("name", [](const MetricInfo& metric) { return to_str(metric.name); })
      .def_property_readonly("unit", [](const MetricInfo& metric) { return to_str(to_string(metric.unit)); })
      .def_property_readonly("kind", [](const MetricInfo& metric) { return to_str(to_string(metric.kind)); })
      .def_property_readonly("tags", &tag_keys)
      .def_property_readonly("help", [](const MetricInfo& metric) { return to_str(metric.help); })
      .def_property_readonly("source", [](const MetricInfo& metric) { return to_str(metric.source); })
      .def_property_readonly("formula", [](const MetricInfo& metric) { return to_str(metric.formula); })
      .def_property_readonly("since", [](const MetricInfo& metric) { return to_str(metric.since); })
      .def_readonly("default_on", &MetricInfo::default_on)
      .def_property_readonly("collector", &collector_name)
      .def_property_readonly("interval_s", &interval_s)
      .def("__repr__",
           [](const MetricInfo& metric) { return "<MetricInfo " + std::string(metric.name) + ">"; });
  m.def("registry", &registry);
}

}  // namespace sysmon::bindings
