#include "bindings/bindings.hpp"
#include "sysmon/facts.hpp"

namespace sysmon::bindings {

namespace {

py::bytes facts(const std::string& proc_root) {
  std::string text;
  {
    const py::gil_scoped_release release;  // asks every mount for its size, and one may hang
    text = to_json(FactsReader(ProcRoot(proc_root).steps().back()).read());  // a pair: the later tree
  }
  return to_bytes(text);
}

}  // namespace

void bind_facts(py::module_& m) { m.def("facts", &facts, py::arg("proc_root") = "/"); }

}  // namespace sysmon::bindings
