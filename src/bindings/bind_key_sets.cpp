#include "bindings/bindings.hpp"

namespace sysmon::bindings {

namespace {

KeySetPtr find(const KeySets& key_sets, KeySetId id) {
  KeySetPtr set = key_sets.find(id);
  if (set == nullptr) throw py::key_error("no key set " + std::to_string(id));
  return set;
}

py::list keys(const KeySets& key_sets, KeySetId id) {
  py::list all;
  for (const Key* key : find(key_sets, id)->keys) all.append(to_tuple(*key));
  return all;
}

}  // namespace

void bind_key_sets(py::module_& m) {
  py::class_<KeySets, std::shared_ptr<KeySets>>(
      m, "KeySets",
      "The ordered lists of (type, tags) that journal rows refer to, shared by all hosts. Thread-safe.")
      .def(py::init<>())
      .def(
          "load",
          [](KeySets& self, KeySetId id, const py::bytes& blob) {
            raise_if_error(self.load(id, std::string_view(blob)));
          },
          py::arg("key_set_id"), py::arg("blob"))
      .def(
          "blob", [](const KeySets& self, KeySetId id) { return to_bytes(KeySets::blob(*find(self, id))); },
          py::arg("key_set_id"))
      .def("keys", &keys, py::arg("key_set_id"))
      .def("__len__", &KeySets::size)
      .def_property_readonly("max_id", &KeySets::max_id);
}

}  // namespace sysmon::bindings
