#include <pybind11/stl.h>

#include "bindings/bindings.hpp"
#include "sysmon/agent_config.hpp"

namespace sysmon::bindings {

namespace {

py::str level_of(const ConfigIssue& issue) {
  return issue.level == ConfigIssue::Level::error ? "error" : "warning";
}

py::list settings(const std::string& text, const std::string& filename) {
  py::list all;
  for (const ConfigSetting& setting : agent_settings(text, filename)) {
    py::dict one;
    one["key"] = to_str(setting.info.key);
    one["value"] = to_str(setting.value);
    one["default"] = to_str(setting.info.default_value);
    one["unit"] = to_str(setting.info.unit);
    one["help"] = to_str(setting.info.help);
    one["secret"] = setting.info.secret;
    all.append(one);
  }
  return all;
}

}  // namespace

void bind_agent_config(py::module_& m) {
  py::class_<ConfigIssue>(m, "ConfigIssue", "Something wrong or odd in a configuration file.")
      .def_property_readonly("level", &level_of)
      .def_readonly("line", &ConfigIssue::line)
      .def_readonly("column", &ConfigIssue::column)
      .def_readonly("key", &ConfigIssue::key)
      .def_readonly("message", &ConfigIssue::message)
      .def("__str__", &ConfigIssue::text);
  m.def(
      "validate_agent_config",
      [](const std::string& text, const std::string& filename) {
        return validate_agent_config(text, filename);
      },
      py::arg("text"), py::arg("filename") = "agent.yaml");
  m.def("agent_settings", &settings, py::arg("text") = "", py::arg("filename") = "agent.yaml");
}

}  // namespace sysmon::bindings
