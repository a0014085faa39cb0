#include "agent/exporter.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <thread>
#include <utility>

#include "sysmon/clock.hpp"
#include "sysmon/newest_values.hpp"
#include "sysmon/prometheus.hpp"

namespace sysmon::agent {
namespace {

constexpr std::size_t kMaxRequest = 4'096;
constexpr std::int64_t kRequestNs = 2'000'000'000;  // from the first byte to the last of the answer
constexpr int kBacklog = 8;

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

// "127.0.0.1:9101" or "[::1]:9101"; never a name, so that nothing is looked up.
Result<Descriptor> bound(const std::string& listen) {
  const std::size_t colon = listen.rfind(':');
  std::string host = listen.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int failed = ::getaddrinfo(host.c_str(), listen.c_str() + colon + 1, &hints, &found);
      failed != 0) {
    return Error{Error::Kind::invalid, "prometheus.listen", ::gai_strerror(failed), 0};
  }
  Descriptor socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int one = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  const bool is_bound = socket.get() >= 0 && ::bind(socket.get(), found->ai_addr, found->ai_addrlen) == 0 &&
                        ::listen(socket.get(), kBacklog) == 0;
  const int failed = errno;
  ::freeaddrinfo(found);
  if (!is_bound) return Error::from_errno("prometheus.listen " + listen, "bind", failed);
  return socket;
}

std::string answer(std::string_view status, std::string_view type, std::string_view body) {
  std::string text = "HTTP/1.1 ";
  text += status;
  text += "\r\nContent-Type: ";
  text += type;
  text += "\r\nContent-Length: " + std::to_string(body.size());
  text += "\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n";
  text += body;
  return text;
}

std::string refusal(std::string_view status, std::string_view why) {
  return answer(status, "text/plain", why);
}

bool is_local_name(std::string_view host) {
  return host.starts_with("127.") || host.starts_with("[::1]") || host == "localhost" ||
         host.starts_with("localhost:");
}

// The value of the Host header, whose name may be in any case; "" where there is none.
std::string_view host_of(std::string_view request) {
  std::size_t at = request.find("\r\n");
  while (at != std::string_view::npos && at + 2 < request.size()) {
    std::string_view line = request.substr(at + 2, request.find("\r\n", at + 2) - at - 2);
    constexpr std::string_view kName = "host:";
    bool is_host = line.size() >= kName.size();
    for (std::size_t i = 0; is_host && i < kName.size(); ++i) {
      const char c = line[i];
      is_host = (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) == kName[i];
    }
    if (is_host) {
      line.remove_prefix(kName.size());
      while (line.starts_with(' ')) line.remove_prefix(1);
      return line;
    }
    at = request.find("\r\n", at + 2);
  }
  return {};
}

// The names asked for in the target of a request for the page: "/metrics?names=node".
std::optional<NameSet> names_of(std::string_view target) {
  const std::size_t query = target.find('?');
  if (query == std::string_view::npos) return NameSet::sysmon;
  constexpr std::string_view kNames = "names=";
  const std::string_view text = target.substr(query + 1);
  return text.starts_with(kNames) ? parse_name_set(text.substr(kNames.size())) : std::nullopt;
}

}  // namespace

struct Exporter::Impl {
  Impl(Descriptor listening, std::string name, std::chrono::milliseconds interval)
      : socket(std::move(listening)),
        stopping(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        hostname(std::move(name)),
        values(interval) {}

  // False: it is time to end.
  bool wait_for(int fd, short events, std::int64_t until_ns) const {
    std::array<pollfd, 2> polls{{{fd, events, 0}, {stopping.get(), POLLIN, 0}}};
    const std::int64_t left_ms = (until_ns - system_clock().mono_ns()) / 1'000'000;
    if (until_ns != 0 && left_ms <= 0) return false;
    const int timeout = until_ns == 0 ? -1 : static_cast<int>(left_ms);
    int ready = 0;
    do {
      ready = ::poll(polls.data(), polls.size(), timeout);
    } while (ready < 0 && errno == EINTR);
    return ready > 0 && polls[1].revents == 0;
  }

  void serve() const {
    while (wait_for(socket.get(), POLLIN, 0)) {
      const Descriptor client(::accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (client.get() >= 0) converse(client.get());
    }
  }

  void converse(int client) const {
    const std::int64_t until_ns = system_clock().mono_ns() + kRequestNs;
    std::string request;
    while (request.find("\r\n\r\n") == std::string::npos) {
      std::array<char, 1'024> piece{};
      if (request.size() > kMaxRequest || !wait_for(client, POLLIN, until_ns)) return;
      const ssize_t got = ::recv(client, piece.data(), piece.size(), 0);
      if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return;
      if (got > 0) request.append(piece.data(), static_cast<std::size_t>(got));
    }
    const std::string reply = reply_to(request);
    std::size_t sent = 0;
    while (sent < reply.size() && wait_for(client, POLLOUT, until_ns)) {
      const ssize_t put = ::send(client, reply.data() + sent, reply.size() - sent, MSG_NOSIGNAL);
      if (put < 0 && errno != EAGAIN && errno != EINTR) return;
      if (put > 0) sent += static_cast<std::size_t>(put);
    }
  }

  [[nodiscard]] std::string reply_to(std::string_view request) const {
    const std::string_view method = request.substr(0, request.find(' '));
    std::string_view target = request.substr(std::min(method.size() + 1, request.size()));
    target = target.substr(0, target.find_first_of(" \r"));
    // A page of a foreign site, whose name was made to lead here, says its own name.
    if (!is_local_name(host_of(request)))
      return refusal("421 Misdirected Request", "not a name of this host\n");
    if (target.substr(0, target.find('?')) != "/metrics")
      return refusal("404 Not Found", "there is /metrics\n");
    if (method != "GET") return refusal("405 Method Not Allowed", "GET it\n");
    const auto names = names_of(target);
    if (!names) return refusal("400 Bad Request", "?names=sysmon, node or both\n");
    return answer("200 OK", "text/plain; version=0.0.4; charset=utf-8",
                  values.page(*names, hostname, system_clock().wall_ms()));
  }

  const Descriptor socket;
  const Descriptor stopping;
  const std::string hostname;
  NewestValues values;
  std::thread thread;
};

Exporter::Exporter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
  impl_->thread = std::thread([serving = impl_.get()] { serving->serve(); });
}

Exporter::~Exporter() {
  const std::uint64_t one = 1;
  // It is never full: nobody else writes to it.
  [[maybe_unused]] const ssize_t written = ::write(impl_->stopping.get(), &one, sizeof one);
  impl_->thread.join();
}

Result<std::unique_ptr<Exporter>> Exporter::open(const std::string& listen, std::string hostname,
                                                 std::chrono::milliseconds interval) {
  auto socket = bound(listen);
  if (!socket) return socket.error();
  auto impl = std::make_unique<Impl>(std::move(*socket), std::move(hostname), interval);
  if (impl->stopping.get() < 0) return Error::from_errno("prometheus.listen", "eventfd", errno);
  return std::unique_ptr<Exporter>(new Exporter(std::move(impl)));
}

void Exporter::take(const SampleBatch& batch) { impl_->values.take(batch); }

}  // namespace sysmon::agent
