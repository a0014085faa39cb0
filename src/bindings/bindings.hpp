// What the binding files share: one bind_* function a header, the conversions between them, and how errors
// cross.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sysmon/columns.hpp"
#include "sysmon/key_sets.hpp"
#include "sysmon/push_decoder.hpp"
#include "sysmon/result.hpp"
#include "sysmon/selector.hpp"

namespace sysmon::bindings {

namespace py = pybind11;

void bind_registry(py::module_& m);
void bind_prometheus(py::module_& m);
void bind_metrics_collector(py::module_& m);
void bind_facts(py::module_& m);
void bind_agent_config(py::module_& m);
void bind_key_sets(py::module_& m);
void bind_push_decoder(py::module_& m);
void bind_last_values(py::module_& m);
void bind_columns(py::module_& m);
void bind_compaction(py::module_& m);
void bind_ring_buffer(py::module_& m);
void bind_spool(py::module_& m);

// ---- errors (errors.cpp) ----

// Raises the Python exception of this error's kind.
[[noreturn]] void raise(const Error& error);
// Raises sysmon.errors.PushError.
[[noreturn]] void raise(const PushFault& fault);

template <class T>
T value_or_raise(Result<T>&& result) {
  if (!result) raise(result.error());
  return std::move(result.value());
}
inline void raise_if_error(const Result<void>& result) {
  if (!result) raise(result.error());
}

// ---- conversions (convert.cpp) ----

[[nodiscard]] inline py::str to_str(std::string_view text) { return {text.data(), text.size()}; }
[[nodiscard]] inline py::bytes to_bytes(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

// The memory of a bytes-like object, held while this lives. Made and destroyed with the GIL; read without it.
class BytesView {
 public:
  explicit BytesView(py::handle object) {
    if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_SIMPLE) != 0) throw py::error_already_set();
  }
  ~BytesView() { PyBuffer_Release(&view_); }
  BytesView(const BytesView&) = delete;
  BytesView& operator=(const BytesView&) = delete;
  [[nodiscard]] std::string_view bytes() const {
    return {static_cast<const char*>(view_.buf), static_cast<std::size_t>(view_.len)};
  }

 private:
  Py_buffer view_{};
};

// (type, ((key, value), …)), tags sorted by key.
[[nodiscard]] py::tuple tags_of(const Key& key);
[[nodiscard]] py::tuple to_tuple(const Key& key);
// The key of a type and (key, value) pairs in any order.
[[nodiscard]] Key to_key(const std::string& type, std::vector<std::pair<std::string, std::string>> tags);
// `types` and `tags` as read_rows and LastValues.find take them: None, or a sequence and a mapping.
[[nodiscard]] Selector to_selector(const py::object& types, const py::object& tags);

// What is stored of one host, from (parts, rows): each a sequence of (key or time_ms, payload). Holds the payloads
// while it lives. Made and destroyed with the GIL; read without it.
class HostMemory {
 public:
  explicit HostMemory(py::handle host);
  [[nodiscard]] StoredHost host() const { return {parts_, rows_}; }

 private:
  std::vector<py::object> payloads_;
  std::vector<StoredPart> parts_;
  std::vector<StoredRow> rows_;
};

// … and of several.
class HostsMemory {
 public:
  explicit HostsMemory(const py::iterable& hosts);
  [[nodiscard]] const std::vector<StoredHost>& hosts() const { return hosts_; }

 private:
  std::vector<HostMemory> memory_;
  std::vector<StoredHost> hosts_;
};

}  // namespace sysmon::bindings
