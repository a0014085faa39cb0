// One table: which exception an Error of which kind becomes.
#include "bindings/bindings.hpp"

namespace sysmon::bindings {

namespace {

py::object exception_of(Error::Kind kind) {
  switch (kind) {
    case Error::Kind::malformed:  // bytes that are not what they should be
    case Error::Kind::invalid:    // arguments likewise
    case Error::Kind::too_large:
      return py::reinterpret_borrow<py::object>(PyExc_ValueError);
    case Error::Kind::not_found:
      return py::reinterpret_borrow<py::object>(PyExc_FileNotFoundError);
    case Error::Kind::permission:
      return py::reinterpret_borrow<py::object>(PyExc_PermissionError);
    case Error::Kind::io:
      return py::reinterpret_borrow<py::object>(PyExc_OSError);
    case Error::Kind::unavailable:
      break;
  }
  return py::module_::import("sysmon.errors").attr("SysmonError");
}

}  // namespace

void raise(const Error& error) {
  PyErr_SetString(exception_of(error.kind).ptr(), error.message().c_str());
  throw py::error_already_set();
}

void raise(const PushFault& fault) {
  const py::object type = py::module_::import("sysmon.errors").attr("PushError");
  const py::object error = type(fault.status, to_str(fault.code), fault.message);
  PyErr_SetObject(type.ptr(), error.ptr());
  throw py::error_already_set();
}

}  // namespace sysmon::bindings
