#include "bindings/bindings.hpp"
#include "sysmon/prometheus.hpp"

namespace sysmon::bindings {
namespace {

py::object labels_of(const PrometheusName& name, const py::iterable& pairs, const std::string& hostname) {
  Tags tags;
  for (const py::handle pair : pairs) {
    auto [key, value] = pair.cast<std::pair<std::string, std::string>>();
    tags.push_back({std::move(key), std::move(value)});
  }
  const auto labels = name.labels_of(tags, hostname);
  if (!labels) return py::none();
  py::tuple out(labels->size());
  for (std::size_t i = 0; i < labels->size(); ++i) {
    out[i] = py::make_tuple((*labels)[i].key, (*labels)[i].value);
  }
  return out;
}

py::object other_of(const PrometheusName& name) {
  return name.other.empty() ? py::object(py::none()) : py::object(to_str(name.other.substr(1)));
}

py::list names_of(const std::string& metric, const std::string& names) {
  const auto set = parse_name_set(names);
  if (!set) throw py::value_error("names is sysmon, node or both");
  py::list found;
  for (PrometheusName& name : prometheus_names(metric, *set)) found.append(py::cast(std::move(name)));
  return found;
}

py::list tag_keys(const PrometheusName& name) {
  py::list keys;
  std::string_view rest = name.tags;
  while (!rest.empty()) {
    const std::string_view key = rest.substr(0, rest.find(','));
    keys.append(to_str(key));
    rest.remove_prefix(std::min(key.size() + 1, rest.size()));
  }
  return keys;
}

}  // namespace

void bind_prometheus(py::module_& m) {
  py::class_<PrometheusName>(m, "PrometheusName", "One way to say a metric in Prometheus.")
      .def_readonly("metric", &PrometheusName::metric)
      .def_readonly("name", &PrometheusName::name)
      .def_property_readonly("kind", [](const PrometheusName& name) { return to_str(name.kind); })
      .def_property_readonly("help", [](const PrometheusName& name) { return to_str(name.help); })
      .def_property_readonly("tags", &tag_keys)
      .def_property_readonly("when", [](const PrometheusName& name) { return to_str(name.when); })
      .def_property_readonly("changes", [](const PrometheusName& name) { return to_str(name.changes); })
      .def_readonly("divide", &PrometheusName::divide)
      .def_property_readonly("other", &other_of)
      .def_property_readonly(
          "needs_host",
          [](const PrometheusName& name) { return name.changes.find("=$host") != std::string_view::npos; })
      .def("labels_of", &labels_of, py::arg("pairs"), py::arg("hostname") = "")
      .def("value_of", &PrometheusName::value_of, py::arg("value"), py::arg("other") = 0.0);
  m.def("prometheus_names", &names_of, py::arg("metric"), py::arg("names"));
  m.def("prometheus_label", &prometheus_label, py::arg("key"));
}

}  // namespace sysmon::bindings
