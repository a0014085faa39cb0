#include "bindings/bindings.hpp"
#include "sysmon/ring_buffer.hpp"

namespace sysmon::bindings {

namespace {

// The ring of Python objects. Slots hold plain pointers, each owning one reference, so that moving them needs
// no GIL of the ring's own; every member runs under the caller's GIL.
class ObjectRing {
 public:
  explicit ObjectRing(std::size_t capacity) : ring_(capacity) {}
  ~ObjectRing() {
    ring_.drain([](PyObject*& slot) { Py_DECREF(slot); });
  }
  ObjectRing(const ObjectRing&) = delete;
  ObjectRing& operator=(const ObjectRing&) = delete;

  bool try_push(const py::object& item) {
    if (!ring_.try_push(item.ptr())) return false;
    Py_INCREF(item.ptr());
    return true;
  }
  py::object try_pop() {
    PyObject* item = nullptr;
    if (!ring_.try_pop(item)) return py::none();
    return py::reinterpret_steal<py::object>(item);
  }
  py::list drain() {
    py::list items;
    ring_.drain([&items](PyObject*& slot) { items.append(py::reinterpret_steal<py::object>(slot)); });
    return items;
  }
  [[nodiscard]] std::size_t size() const { return ring_.size(); }
  [[nodiscard]] std::size_t capacity() const { return ring_.capacity(); }
  [[nodiscard]] std::uint64_t dropped() const { return ring_.dropped(); }

 private:
  RingBuffer<PyObject*> ring_;
};

}  // namespace

void bind_ring_buffer(py::module_& m) {
  py::class_<ObjectRing>(
      m, "RingBuffer",
      "The core's one-producer one-consumer ring, holding Python objects; when full the newest is refused.")
      .def(py::init([](std::size_t capacity) {
             if (capacity == 0 || capacity > 1U << 24U)
               throw py::value_error("capacity: 1 to 16777216 was expected");
             return std::make_unique<ObjectRing>(capacity);
           }),
           py::arg("capacity"))
      .def_static(
          "__class_getitem__",
          [](const py::object& /*item*/) { return py::module_::import("sysmon._core").attr("RingBuffer"); })
      .def("try_push", &ObjectRing::try_push, py::arg("item"))
      .def("try_pop", &ObjectRing::try_pop)
      .def("drain", &ObjectRing::drain)
      .def("__len__", &ObjectRing::size)
      .def_property_readonly("capacity", &ObjectRing::capacity)
      .def_property_readonly("dropped", &ObjectRing::dropped);
}

}  // namespace sysmon::bindings
