#include <pybind11/stl.h>

#include <algorithm>

#include "bindings/bindings.hpp"

namespace sysmon::bindings {

py::tuple tags_of(const Key& key) {
  const TagViews tags = key.tags();
  py::tuple pairs(tags.size());
  for (std::size_t i = 0; i < tags.size(); ++i)
    pairs[i] = py::make_tuple(to_str(tags[i].first), to_str(tags[i].second));
  return pairs;
}

py::tuple to_tuple(const Key& key) { return py::make_tuple(to_str(key.type()), tags_of(key)); }

Key to_key(const std::string& type, std::vector<std::pair<std::string, std::string>> tags) {
  std::ranges::sort(tags);
  return {type, TagViews(tags.begin(), tags.end())};
}

Selector to_selector(const py::object& types, const py::object& tags) {
  Selector selector;
  if (!types.is_none()) selector.types = types.cast<std::vector<std::string>>();
  if (!tags.is_none()) {
    for (const py::handle item : tags.attr("items")()) {
      selector.tags.push_back(item.cast<std::pair<std::string, std::string>>());
    }
  }
  return selector;
}

namespace {

// Calls take(number, bytes) for each (number, payload) of a sequence, and keeps the payloads alive.
template <class Take>
void each_payload(py::handle pairs, std::vector<py::object>& payloads, Take&& take) {
  for (const py::handle item : py::reinterpret_borrow<py::iterable>(pairs)) {
    auto [number, payload] = item.cast<std::pair<std::int64_t, py::bytes>>();
    take(number, std::string_view(payload));
    payloads.push_back(std::move(payload));
  }
}

}  // namespace

HostMemory::HostMemory(py::handle host) {
  const auto [parts, rows] = host.cast<std::pair<py::object, py::object>>();
  each_payload(parts, payloads_,
               [this](std::int64_t key, std::string_view bytes) { parts_.push_back({key, bytes}); });
  each_payload(rows, payloads_,
               [this](std::int64_t time_ms, std::string_view bytes) { rows_.push_back({time_ms, bytes}); });
}

HostsMemory::HostsMemory(const py::iterable& hosts) {
  for (const py::handle host : hosts) memory_.emplace_back(host);
  for (const HostMemory& memory : memory_) hosts_.push_back(memory.host());
}

}  // namespace sysmon::bindings
