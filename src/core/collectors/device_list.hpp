// DeviceList: the devices of a family by name, in the order in which the kernel lists them.
//
// A tick goes through the kernel's list once:
//
//     devices.begin();
//     for (each line) Device& device = devices.meet(name, [&] { return Device{…}; });
//     devices.end([&](Device& gone) { …retire its series… });
//
// While nothing is plugged, each meeting is one comparison of names and nothing is allocated.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sysmon {

template <class Device>
class DeviceList {
 public:
  void begin() { next_ = 0; }

  // The device of that name; `make` gives it where it is met for the first time. The reference is valid until
  // the next call.
  template <class Make>
  Device& meet(std::string_view name, Make&& make) {
    std::size_t found = next_;
    while (found < entries_.size() && entries_[found].name != name) ++found;
    if (found == entries_.size()) entries_.push_back({std::string(name), make()});
    // Those in between were not met where they used to be: they are gone, or come later.
    std::rotate(entries_.begin() + offset(next_), entries_.begin() + offset(found),
                entries_.begin() + offset(found) + 1);
    return entries_[next_++].device;
  }

  // Drops what was not met since `begin`.
  template <class Gone>
  void end(Gone&& gone) {
    for (std::size_t i = next_; i < entries_.size(); ++i) gone(entries_[i].device);
    entries_.erase(entries_.begin() + offset(next_), entries_.end());
  }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string name;
    Device device;
  };
  static std::ptrdiff_t offset(std::size_t index) { return static_cast<std::ptrdiff_t>(index); }

  std::vector<Entry> entries_;  // those met in this pass first, in order
  std::size_t next_ = 0;
};

}  // namespace sysmon
