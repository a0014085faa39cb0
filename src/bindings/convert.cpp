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

}  // namespace sysmon::bindings
