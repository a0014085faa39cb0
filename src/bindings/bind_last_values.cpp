#include <pybind11/stl.h>

#include "bindings/bindings.hpp"
#include "sysmon/last_values.hpp"

namespace sysmon::bindings {

namespace {

using TagPairs = std::vector<std::pair<std::string, std::string>>;

py::object get(const LastValues& self, const std::string& type, const TagPairs& tags) {
  const auto last = self.get(to_key(type, tags).text());
  if (!last) return py::none();
  return py::make_tuple(last->value, last->time_ms, last->rate);
}

py::list find(const LastValues& self, const py::object& types, const py::object& tags) {
  py::list found;
  for (const LastValues::Last& last : self.find(to_selector(types, tags))) {
    found.append(
        py::make_tuple(to_str(last.key->type()), tags_of(*last.key), last.value, last.time_ms, last.rate));
  }
  return found;
}

}  // namespace

void bind_last_values(py::module_& m) {
  py::class_<LastValues>(m, "LastValues",
                         "The newest sample of every series of one host, with its rate. Not thread-safe.")
      .def(py::init<std::shared_ptr<KeySets>>(), py::arg("key_sets"))
      .def(
          "update",
          [](LastValues& self, const Row& row) { raise_if_error(self.update(row.time_ms, row.payload)); },
          py::arg("row"))
      .def("get", &get, py::arg("type"), py::arg("tags") = py::tuple())
      .def("find", &find, py::arg("types") = py::none(), py::arg("tags") = py::none())
      .def_property_readonly("time_ms", &LastValues::time_ms)
      .def("__len__", &LastValues::size);
}

}  // namespace sysmon::bindings
