// Result<T>: a value, or the Error that says why there is none.
//
// The few ways a call can fail are the kinds below; everything a person needs to act is in the rest of Error.
// Exceptions are for programming faults only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace sysmon {

struct Error {
  enum class Kind : std::uint8_t {
    not_found,    // the kernel, device or file does not offer it: a status, not a fault
    permission,   // it exists, and this user may not read it
    malformed,    // bytes that are not what their format promises; `detail` quotes them
    io,           // the system call failed; `errno_value` says how
    too_large,    // a limit was passed; `detail` names it
    unavailable,  // present in principle, not now: a stuck mount, a device in reset
    invalid       // the caller's own input (configuration, arguments) is not usable
  };

  Kind kind;
  std::string where;    // path, URL or field the error is about; may be empty
  std::string detail;   // what came and what was expected
  int errno_value = 0;  // 0 where no system call was involved

  // One line for people: "where: detail (strerror)".
  [[nodiscard]] std::string message() const;

  // A short lower_case word for tags and counters: "not_found", "permission", …
  [[nodiscard]] std::string_view reason() const;

  static Error malformed(std::string_view where, std::string_view detail);
  // `errno_value` decides the kind: ENOENT, ENODEV, ENXIO are not_found; EACCES, EPERM are permission; others are io.
  static Error from_errno(std::string_view where, std::string_view call, int errno_value);
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // REQUIRES: ok().
  [[nodiscard]] T& value() { return std::get<0>(state_); }
  [[nodiscard]] const T& value() const { return std::get<0>(state_); }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // REQUIRES: !ok().
  [[nodiscard]] const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  [[nodiscard]] const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<std::monostate, Error> state_;
};

}  // namespace sysmon
