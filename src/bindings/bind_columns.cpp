#include <pybind11/stl.h>

#include <array>

#include "bindings/bindings.hpp"
#include "sysmon/columns.hpp"

namespace sysmon::bindings {

namespace {

using ColumnsPtr = std::shared_ptr<const Columns>;
constexpr std::size_t kAnyNumber = SIZE_MAX;

// A column's memory for as long as a memoryview looks at it.
struct ColumnMemory {
  ColumnsPtr owner;
  const void* data;
  py::ssize_t item_bytes;
  const char* format;
  std::size_t size;
};

py::buffer_info buffer_of(const ColumnMemory& memory) {
  // Read-only: nobody writes through the pointer.
  return {const_cast<void*>(memory.data),  // NOLINT(cppcoreguidelines-pro-type-const-cast)
          memory.item_bytes,
          memory.format,
          1,
          {memory.size},
          {memory.item_bytes},
          /*readonly=*/true};
}

template <class T>
py::memoryview view_of(const ColumnsPtr& owner, const std::vector<T>& items, const char* format) {
  return py::memoryview(py::cast(ColumnMemory{owner, items.data(), sizeof(T), format, items.size()}));
}

const Column& column_at(const ColumnsPtr& columns, std::size_t column) {
  if (column >= columns->size())
    throw py::index_error("there are " + std::to_string(columns->size()) + " columns");
  return (*columns)[column];
}

Agg to_agg(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, Agg>, 6> kNames{{{"avg", Agg::avg},
                                                                    {"min", Agg::min},
                                                                    {"max", Agg::max},
                                                                    {"last", Agg::last},
                                                                    {"sum", Agg::sum},
                                                                    {"rate", Agg::rate}}};
  for (const auto& [known, agg] : kNames) {
    if (name == known) return agg;
  }
  throw py::value_error("agg: avg, min, max, last, sum or rate was expected, \"" + std::string(name) +
                        "\" came");
}

// Runs without the GIL what needs no Python object, and hands its columns out.
template <class Work>
std::shared_ptr<Columns> without_gil(Work&& work) {
  Result<Columns> columns = [&] {
    const py::gil_scoped_release release;
    return work();
  }();
  if (!columns && columns.error().kind == Error::Kind::too_large) {
    const py::object type = py::module_::import("sysmon.errors").attr("RangeTooLargeError");
    PyErr_SetString(type.ptr(), columns.error().detail.c_str());
    throw py::error_already_set();
  }
  return std::make_shared<Columns>(value_or_raise(std::move(columns)));
}

std::shared_ptr<Columns> across(const ColumnsPtr& self, const std::string& agg,
                                const std::vector<std::uint32_t>& groups) {
  const Agg fold = to_agg(agg);
  return without_gil([&] { return self->across(fold, groups); });
}

py::bytes json(const ColumnsPtr& self, const std::vector<py::bytes>& heads) {
  if (heads.size() != self->size()) throw py::value_error("heads: one is needed for each column");
  const std::vector<std::string_view> views(heads.begin(), heads.end());
  std::string text;
  {
    const py::gil_scoped_release release;
    text = self->json(views);
  }
  return to_bytes(text);
}

std::shared_ptr<Columns> read(const std::shared_ptr<KeySets>& key_sets, const py::iterable& hosts,
                              const py::object& types, const py::object& tags, std::int64_t start_ms,
                              std::int64_t end_ms, std::size_t max_series, std::size_t max_points,
                              std::uint32_t first_host) {
  const Selector selector = to_selector(types, tags);
  const HostsMemory memory(hosts);
  return without_gil([&] {
    return read_hosts(*key_sets, memory.hosts(), selector, start_ms, end_ms,
                      {max_series, max_points, first_host});
  });
}

std::shared_ptr<Columns> fold(const std::shared_ptr<KeySets>& key_sets, const py::iterable& hosts,
                              const py::object& types, const py::object& tags, std::int64_t start_ms,
                              std::int64_t end_ms, std::int64_t step_ms,
                              const std::optional<std::string>& agg, std::int64_t lookback_ms,
                              std::size_t max_series, std::uint32_t first_host) {
  const Selector selector = to_selector(types, tags);
  GridSpec spec{start_ms, end_ms, step_ms, std::nullopt};
  if (agg) spec.agg = to_agg(*agg);
  const HostsMemory memory(hosts);
  return without_gil([&] {
    return fold_hosts(*key_sets, memory.hosts(), selector, spec, lookback_ms,
                      {max_series, kAnyNumber, first_host});
  });
}

std::shared_ptr<Columns> join(const std::vector<ColumnsPtr>& parts) {
  std::vector<const Columns*> views;
  views.reserve(parts.size());
  for (const ColumnsPtr& part : parts) views.push_back(part.get());
  return std::make_shared<Columns>(join_columns(views));
}

}  // namespace

void bind_columns(py::module_& m) {
  py::class_<ColumnMemory>(m, "_ColumnMemory", py::buffer_protocol()).def_buffer(&buffer_of);
  py::class_<Columns, std::shared_ptr<Columns>>(
      m, "Columns", "Series side by side: S columns, each with its own times and values, or all on one grid.")
      .def("__len__", &Columns::size)
      .def(
          "key",
          [](const ColumnsPtr& self, std::size_t column) { return to_tuple(column_at(self, column).key); },
          py::arg("column"))
      .def(
          "times",
          [](const ColumnsPtr& self, std::size_t column) {
            return view_of(self, *column_at(self, column).times, "q");
          },
          py::arg("column"))
      .def(
          "values",
          [](const ColumnsPtr& self, std::size_t column) {
            return view_of(self, column_at(self, column).values, "d");
          },
          py::arg("column"))
      .def(
          "present",
          [](const ColumnsPtr& self, std::size_t column) {
            return view_of(self, column_at(self, column).present, "B");
          },
          py::arg("column"))
      .def(
          "host", [](const ColumnsPtr& self, std::size_t column) { return column_at(self, column).host; },
          py::arg("column"))
      .def("across", &across, py::arg("agg"), py::arg("groups"))
      .def("json", &json, py::arg("heads"));
  m.def("read_hosts", &read, py::arg("key_sets"), py::arg("hosts"), py::kw_only(),
        py::arg("types") = py::none(), py::arg("tags") = py::none(), py::arg("start_ms"), py::arg("end_ms"),
        py::arg("max_series") = kAnyNumber, py::arg("max_points") = kAnyNumber, py::arg("first_host") = 0);
  m.def("fold_hosts", &fold, py::arg("key_sets"), py::arg("hosts"), py::kw_only(),
        py::arg("types") = py::none(), py::arg("tags") = py::none(), py::arg("start_ms"), py::arg("end_ms"),
        py::arg("step_ms"), py::arg("agg") = py::none(), py::arg("lookback_ms") = 0,
        py::arg("max_series") = kAnyNumber, py::arg("first_host") = 0);
  m.def("join_columns", &join, py::arg("parts"));
}

}  // namespace sysmon::bindings
