#include <pybind11/stl.h>

#include "bindings/bindings.hpp"
#include "sysmon/journal.hpp"

namespace sysmon::bindings {

namespace {

// Decoding so much takes less than giving the GIL away and waiting for it, while the writer's thread runs.
constexpr std::size_t kBriefBytes = 8 * 1024;

Row make_row(std::int64_t time_ms, const py::bytes& payload) {
  const std::string_view bytes(payload);
  const RowView view = value_or_raise(RowView::parse(bytes));
  return {time_ms, view.key_set(), view.samples(), std::string(bytes)};
}

std::vector<Push> decode(PushDecoder& decoder, const py::object& body, bool gzip, std::int64_t now_ms) {
  const BytesView view(body);
  DecodedPushes pushes;
  {
    std::optional<py::gil_scoped_release> release;
    if (view.bytes().size() > kBriefBytes) release.emplace();
    pushes = decoder.decode(view.bytes(), gzip, now_ms);
  }
  if (pushes.fault) raise(*pushes.fault);
  return std::move(pushes.batches);
}

py::object tags_of(const Push& push) {
  if (!push.tags) return py::none();
  py::dict tags;
  for (const Tag& tag : *push.tags) tags[to_str(tag.key)] = to_str(tag.value);
  return tags;
}

py::object json_of(const std::optional<std::string>& text) {
  return text ? py::object(to_bytes(*text)) : py::none();
}

void bind_limits(py::module_& m) {
  const PushLimits defaults;
  py::class_<PushLimits>(m, "Limits", "The limits of a push; defaults as in docs/formats/wire.md.")
      .def(py::init([](std::size_t inflated_bytes, std::size_t ratio, std::size_t batches,
                       std::size_t samples, std::size_t metrics_per_batch, std::size_t series_per_host,
                       std::size_t tags_per_metric) {
             return PushLimits{inflated_bytes,    ratio,           batches,        samples,
                               metrics_per_batch, series_per_host, tags_per_metric};
           }),
           py::kw_only(), py::arg("inflated_bytes") = defaults.inflated_bytes,
           py::arg("ratio") = defaults.ratio, py::arg("batches") = defaults.batches,
           py::arg("samples") = defaults.samples, py::arg("metrics_per_batch") = defaults.metrics_per_batch,
           py::arg("series_per_host") = defaults.series_per_host,
           py::arg("tags_per_metric") = defaults.tags_per_metric);
}

void bind_row(py::module_& m) {
  py::class_<Row>(m, "Row", "One journal row: the samples of one host at one time.")
      .def(py::init(&make_row), py::arg("time_ms"), py::arg("payload"))
      .def_readonly("time_ms", &Row::time_ms)
      .def_readonly("key_set", &Row::key_set)
      .def_readonly("samples", &Row::samples)
      .def_property_readonly("payload", [](const Row& row) { return to_bytes(row.payload); });
}

void bind_push(py::module_& m) {
  py::class_<Push>(m, "Push", "One decoded batch of a push: who, when, and the rows to be stored. Immutable.")
      .def_readonly("hostname", &Push::hostname)
      .def_readonly("version", &Push::version)
      .def_readonly("agent_id", &Push::agent_id)
      .def_readonly("boot_id", &Push::boot_id)
      .def_readonly("boottime_ms", &Push::boottime_ms)
      .def_readonly("interval_ms", &Push::interval_ms)
      .def_readonly("time_ms", &Push::time_ms)
      .def_readonly("has_time", &Push::has_time)
      .def_property_readonly(
          "identity", [](const Push& push) { return py::bytes(push.identity.data(), push.identity.size()); })
      .def_readonly("digest", &Push::digest)
      .def_property_readonly("tags", &tags_of)
      .def_property_readonly("facts", [](const Push& push) { return json_of(push.facts); })
      .def_property_readonly("processes", [](const Push& push) { return json_of(push.processes); })
      .def_readonly("rows", &Push::rows, py::return_value_policy::copy)
      .def_readonly("accepted", &Push::accepted)
      .def_readonly("rejected", &Push::rejected)
      .def_readonly("errors", &Push::errors);
}

}  // namespace

void bind_push_decoder(py::module_& m) {
  bind_limits(m);
  bind_row(m);
  bind_push(m);
  py::class_<PushDecoder>(
      m, "PushDecoder",
      "Turns the body of a push into rows. Thread-safe; the GIL is released while it works on a long one.")
      .def(py::init([](const std::shared_ptr<KeySets>& key_sets, const PushLimits* limits) {
             return std::make_unique<PushDecoder>(key_sets, limits == nullptr ? PushLimits{} : *limits);
           }),
           py::arg("key_sets"), py::arg("limits") = py::none())
      .def("decode", &decode, py::arg("body"), py::kw_only(), py::arg("gzip"), py::arg("now_ms"))
      .def("pack", &PushDecoder::pack, py::arg("batch"), py::arg("hostname"), py::arg("interval_ms"),
           py::call_guard<py::gil_scoped_release>())
      .def("remember", &PushDecoder::remember, py::arg("hostname"), py::arg("key_set_id"));
}

}  // namespace sysmon::bindings
