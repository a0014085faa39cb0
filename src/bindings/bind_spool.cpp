#include "bindings/bindings.hpp"
#include "sysmon/spool_view.hpp"

namespace sysmon::bindings {

namespace {

py::bytes look(const std::string& folder) {
  Result<std::string> text(std::string{});
  {
    const py::gil_scoped_release release;  // 64 MiB may lie there
    const auto view = look_at_spool(folder);
    text = view ? Result<std::string>(to_json(*view)) : Result<std::string>(view.error());
  }
  return to_bytes(value_or_raise(std::move(text)));
}

}  // namespace

void bind_spool(py::module_& m) { m.def("look_at_spool", &look, py::arg("folder")); }

}  // namespace sysmon::bindings
