#include <pybind11/stl.h>

#include "bindings/bindings.hpp"
#include "sysmon/chunk.hpp"
#include "sysmon/compaction.hpp"

namespace sysmon::bindings {

namespace {

// Parts a reader of these types has to look at; None is every type.
std::vector<unsigned> parts_of(const py::object& types) {
  const Selector selector = to_selector(types, py::none());
  std::vector<unsigned> parts{kTicksPart};
  for (unsigned part = 1; part <= kGroups; ++part) {
    if (may_be_in(selector, part)) parts.push_back(part);
  }
  return parts;
}

template <class Work>
auto without_gil(Work&& work) {
  auto result = [&] {
    const py::gil_scoped_release release;
    return work();
  }();
  return value_or_raise(std::move(result));
}

PackedChunk hour(const std::shared_ptr<KeySets>& key_sets, const py::object& host, std::int64_t start_ms) {
  const HostMemory memory(host);
  return without_gil([&] { return pack_hour(*key_sets, memory.host(), start_ms); });
}

PackedChunk day(const std::shared_ptr<KeySets>& key_sets, const py::object& host, std::int64_t start_ms,
                std::int64_t cell_ms) {
  const HostMemory memory(host);
  return without_gil([&] { return pack_day(*key_sets, memory.host(), start_ms, cell_ms); });
}

std::vector<Row> rows(const std::shared_ptr<KeySets>& key_sets, const py::object& host) {
  const HostMemory memory(host);
  return without_gil([&] { return newest_rows(*key_sets, memory.host()); });
}

}  // namespace

void bind_compaction(py::module_& m) {
  py::class_<PackedChunk>(m, "PackedChunk", "The parts of one chunk, ready to be stored. Immutable.")
      .def_readonly("key_set", &PackedChunk::key_set)
      .def_readonly("samples", &PackedChunk::samples)
      .def_property_readonly("parts", [](const PackedChunk& self) {
        py::list parts;
        for (const auto& [part, payload] : self.parts) parts.append(py::make_tuple(part, to_bytes(payload)));
        return parts;
      });
  m.def(
      "chunk_key",
      [](std::uint8_t tier, std::uint32_t hour_number, std::uint32_t host_id, std::uint8_t part) {
        return ChunkKey{tier, hour_number, host_id, part}.pack();
      },
      py::arg("tier"), py::arg("hour"), py::arg("host_id"), py::arg("part"));
  m.def("parts_of", &parts_of, py::arg("types"));
  m.def("pack_hour", &hour, py::arg("key_sets"), py::arg("host"), py::arg("start_ms"));
  m.def("pack_day", &day, py::arg("key_sets"), py::arg("host"), py::arg("start_ms"), py::arg("cell_ms"));
  m.def(
      "is_intact", [](const py::bytes& payload) { return is_intact(std::string_view(payload)); },
      py::arg("payload"));
  m.def("newest_rows", &rows, py::arg("key_sets"), py::arg("host"));
}

}  // namespace sysmon::bindings
