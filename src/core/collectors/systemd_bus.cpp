// The system bus through libsystemd.so.0, opened with dlopen: a dozen functions, declared here as its headers
// do. https://www.freedesktop.org/software/systemd/man/sd-bus.html
#include "core/collectors/systemd_bus.hpp"

#include <dlfcn.h>
#include <sys/stat.h>

#include <cstdint>
#include <utility>

namespace sysmon {
namespace {

struct sd_bus;          // opaque
struct sd_bus_message;  // opaque

// `sd_bus_error` of systemd/sd-bus-protocol.h; its layout is part of the library's ABI.
struct BusError {
  const char* name = nullptr;
  const char* message = nullptr;
  int need_free = 0;
};

struct Library {
  void* handle = nullptr;
  int (*open_system)(sd_bus**) = nullptr;
  int (*set_method_call_timeout)(sd_bus*, std::uint64_t) = nullptr;  // since 240; nullptr before
  int (*call_method)(sd_bus*, const char*, const char*, const char*, const char*, BusError*, sd_bus_message**,
                     const char*, ...) = nullptr;
  int (*enter_container)(sd_bus_message*, char, const char*) = nullptr;
  int (*read)(sd_bus_message*, const char*, ...) = nullptr;
  sd_bus_message* (*unref_message)(sd_bus_message*) = nullptr;
  sd_bus* (*close_unref)(sd_bus*) = nullptr;
  void (*free_error)(BusError*) = nullptr;
};

constexpr const char* kUnit = "(ssssssouso)";
constexpr std::uint64_t kTimeoutUs = 5'000'000;

template <class Function>
bool load(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(handle, name));
  return function != nullptr;
}

Result<Library> open_library() {
  Library library;
  library.handle = ::dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library.handle == nullptr) {
    return Error{Error::Kind::not_found, "libsystemd.so.0",
                 "install libsystemd0 (Debian) or systemd-libs (Fedora)", 0};
  }
  load(library.handle, "sd_bus_set_method_call_timeout", library.set_method_call_timeout);
  const bool is_whole = load(library.handle, "sd_bus_open_system", library.open_system) &&
                        load(library.handle, "sd_bus_call_method", library.call_method) &&
                        load(library.handle, "sd_bus_message_enter_container", library.enter_container) &&
                        load(library.handle, "sd_bus_message_read", library.read) &&
                        load(library.handle, "sd_bus_message_unref", library.unref_message) &&
                        load(library.handle, "sd_bus_flush_close_unref", library.close_unref) &&
                        load(library.handle, "sd_bus_error_free", library.free_error);
  if (is_whole) return library;
  ::dlclose(library.handle);
  return Error{Error::Kind::not_found, "libsystemd.so.0", "too old: it has no sd-bus of version 222 or later",
               0};
}

class SystemBus final : public SystemdBus {
 public:
  SystemBus() = default;
  SystemBus(const SystemBus&) = delete;
  SystemBus& operator=(const SystemBus&) = delete;
  // The library stays loaded: other threads may be in it for other reasons.
  ~SystemBus() override { close(); }

  Result<void> list_units(std::vector<SystemdUnit>& out) override {
    // As sd_booted(3): the library is also there where another init runs.
    struct stat info{};
    if (::stat("/run/systemd/system", &info) != 0) {
      return Error{Error::Kind::not_found, "/run/systemd/system", "systemd does not run here", 0};
    }
    if (library_.handle == nullptr) {
      auto opened = open_library();
      if (!opened) return opened.error();
      library_ = *opened;
    }
    if (bus_ == nullptr) {
      if (const int result = library_.open_system(&bus_); result < 0) {
        bus_ = nullptr;
        return Error::from_errno("system bus", "sd_bus_open_system", -result);
      }
      if (library_.set_method_call_timeout != nullptr) library_.set_method_call_timeout(bus_, kTimeoutUs);
    }
    auto listed = call(out);
    if (!listed) close();  // dbus may have been restarted: next time over a new connection
    return listed;
  }

 private:
  Result<void> call(std::vector<SystemdUnit>& out) {
    BusError error;
    sd_bus_message* reply = nullptr;
    const int result = library_.call_method(bus_, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                                            "org.freedesktop.systemd1.Manager", "ListUnits", &error, &reply,
                                            static_cast<char*>(nullptr));
    if (result < 0) {
      auto failure = Error::from_errno("system bus", "ListUnits", -result);
      if (error.message != nullptr) failure.detail = std::string("ListUnits: ") + error.message;
      library_.free_error(&error);
      return failure;
    }
    auto read = read_units(reply, out);
    library_.unref_message(reply);
    return read;
  }

  // The reply is an array of kUnit: (name, description, load, active, sub, following, path, job id, job type,
  // job path).
  Result<void> read_units(sd_bus_message* reply, std::vector<SystemdUnit>& out) {
    if (const int result = library_.enter_container(reply, 'a', kUnit); result < 0) {
      return Error::from_errno("system bus", "sd_bus_message_enter_container", -result);
    }
    for (;;) {
      // A struct is read through its signature in brackets; 0 is the array's end.
      const char* name = nullptr;
      const char* active = nullptr;
      const char* sub = nullptr;
      const char* unused = nullptr;
      std::uint32_t unused_id = 0;
      const int result = library_.read(reply, kUnit, &name, &unused, &unused, &active, &sub, &unused, &unused,
                                       &unused_id, &unused, &unused);
      if (result < 0) return Error::from_errno("system bus", "sd_bus_message_read", -result);
      if (result == 0) return {};
      out.push_back({name, active, sub});
    }
  }

  void close() {
    if (bus_ != nullptr) library_.close_unref(bus_);
    bus_ = nullptr;
  }

  Library library_;
  sd_bus* bus_ = nullptr;
};

}  // namespace

std::unique_ptr<SystemdBus> make_system_bus() { return std::make_unique<SystemBus>(); }

}  // namespace sysmon
