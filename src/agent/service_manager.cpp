#include "agent/service_manager.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstring>

namespace sysmon::agent {
namespace {

// A manager that does not read holds the agent up no longer than this.
constexpr timeval kSendLimit{.tv_sec = 1, .tv_usec = 0};

std::int64_t number(const std::optional<std::string>& text) {
  std::int64_t value = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

}  // namespace

ServiceManager::ServiceManager(const Environment& environment)
    : socket_(environment("NOTIFY_SOCKET").value_or("")) {
  const auto pid = environment("WATCHDOG_PID");
  if (socket_.empty() || (pid && number(pid) != ::getpid())) return;
  const std::int64_t patience_us = number(environment("WATCHDOG_USEC"));
  if (patience_us <= 0) return;
  patience_ns_ = patience_us * 1000;
  due_ns_ = 0;
}

void ServiceManager::ready() const { tell("READY=1"); }

void ServiceManager::reloading(std::int64_t mono_ns) const {
  // The manager tells by the time whether a READY=1 answers this one.
  tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(mono_ns / 1000));
}

void ServiceManager::stopping() const { tell("STOPPING=1"); }

void ServiceManager::watchdog(std::int64_t mono_ns, bool is_well) {
  if (mono_ns < due_ns_) return;
  due_ns_ = mono_ns + patience_ns_ / 2;
  if (is_well) tell("WATCHDOG=1");
}

void ServiceManager::tell(std::string_view state) const {
  sockaddr_un address{};
  if (socket_.empty() || socket_.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_[0] == '@') address.sun_path[0] = '\0';  // Linux's abstract names: no file, no final NUL
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kSendLimit, sizeof kSendLimit);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  // The sockets' API wants the common head of all addresses.
  const auto* const to = reinterpret_cast<const sockaddr*>(&address);
  [[maybe_unused]] const ssize_t sent = ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, to, size);
  ::close(fd);
}

}  // namespace sysmon::agent
