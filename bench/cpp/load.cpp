// sysmon_load: pushes prepared bodies at an aggregator and says what that cost.
//
//   sysmon_load PORT TOKEN_FILE BODIES CONNECTIONS RATE SECONDS SERVER_PID [WARM_UP_SECONDS]
//
// BODIES is a file of gzipped pushes, each behind its length as a little-endian uint32. They are sent in turn
// over keep-alive connections to 127.0.0.1. RATE 0 sends as fast as replies come; any other is pushes per
// second on a schedule that does not wait for replies, and latency counts from the moment a push was due, so
// that a server that falls behind cannot hide it; what was due in the warm-up is not counted. Prints one JSON object. Exit status 1 if a reply was not
// 200.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

double seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// The CPU clock of another process, with nanoseconds where /proc/<pid>/stat has ticks of 10 ms.
clockid_t cpu_clock_of(pid_t pid) {
  clockid_t clock = 0;
  if (clock_getcpuclockid(pid, &clock) != 0) {
    std::fprintf(stderr, "sysmon_load: no process %d\n", static_cast<int>(pid));
    std::exit(2);
  }
  return clock;
}

std::string read_whole(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::string_view> split_bodies(std::string_view file) {
  std::vector<std::string_view> bodies;
  while (file.size() >= 4) {
    std::uint32_t length = 0;
    std::memcpy(&length, file.data(), 4);
    bodies.push_back(file.substr(4, length));
    file.remove_prefix(std::min<std::size_t>(file.size(), 4U + length));
  }
  return bodies;
}

struct Outcome {
  std::vector<double> latency_s;
  long refused = 0;
  std::string first_refusal;
};

class Connection {
 public:
  explicit Connection(std::uint16_t port) : port_(port) { open(); }
  ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The status line and body of the reply; empty if the connection broke.
  std::string exchange(const std::string& head, std::string_view body) {
    if (!send(head, body)) {
      reopen();
      return {};
    }
    std::string reply;
    char chunk[4096];
    std::size_t whole = std::string::npos;
    while (reply.size() < whole) {
      const ssize_t got = ::recv(fd_, chunk, sizeof chunk, 0);
      if (got <= 0) {
        reopen();
        return {};
      }
      reply.append(chunk, static_cast<std::size_t>(got));
      const std::size_t end = reply.find("\r\n\r\n");
      if (whole == std::string::npos && end != std::string::npos) whole = end + 4 + content_length(reply);
    }
    return reply;
  }

 private:
  void open() {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      std::perror("sysmon_load: connect");
      std::exit(2);
    }
  }
  void reopen() {
    ::close(fd_);
    open();
  }
  bool send(const std::string& head, std::string_view body) const {
    std::string request = head + std::to_string(body.size()) + "\r\n\r\n";
    request.append(body);
    std::string_view left = request;
    while (!left.empty()) {
      const ssize_t sent = ::send(fd_, left.data(), left.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      left.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  static std::size_t content_length(const std::string& reply) {
    const char* header = ::strcasestr(reply.c_str(), "content-length:");
    return header == nullptr ? 0 : std::strtoul(header + std::strlen("content-length:"), nullptr, 10);
  }

  std::uint16_t port_;
  int fd_ = -1;
};

double percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto index = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
  return sorted[std::min(index, sorted.size() - 1)];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 8 && argc != 9) {
    std::fputs(
        "usage: sysmon_load PORT TOKEN_FILE BODIES CONNECTIONS RATE SECONDS SERVER_PID [WARM_UP_SECONDS]\n",
        stderr);
    return 2;
  }
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  std::string token = read_whole(argv[2]);
  token.erase(token.find_last_not_of("\r\n ") + 1);
  const std::string file = read_whole(argv[3]);
  const std::vector<std::string_view> bodies = split_bodies(file);
  const auto connections = static_cast<std::size_t>(std::atoi(argv[4]));
  const double rate = std::atof(argv[5]);
  const double duration = std::atof(argv[6]);
  const clockid_t server_cpu = cpu_clock_of(std::atoi(argv[7]));
  const double warm_up = argc == 9 ? std::atof(argv[8]) : 0;
  if (bodies.empty() || connections == 0) {
    std::fputs("sysmon_load: no bodies or no connections\n", stderr);
    return 2;
  }
  const std::string head =
      "POST /api/metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
      "Content-Encoding: gzip\r\nX-SysMon-Token: " +
      token + "\r\nContent-Length: ";

  std::vector<Outcome> outcomes(connections);
  const double cpu_before = seconds(server_cpu);
  const double start = seconds(CLOCK_MONOTONIC);
  std::vector<std::thread> threads;
  for (std::size_t c = 0; c < connections; ++c) {
    threads.emplace_back([&, c] {
      Connection connection(port);
      Outcome& outcome = outcomes[c];
      // A host always uses the same connection, so its pushes arrive in order.
      for (std::size_t i = c;; i += connections) {
        double due = seconds(CLOCK_MONOTONIC);
        if (rate > 0) {
          due = start + static_cast<double>(i) / rate;
          const double wait = due - seconds(CLOCK_MONOTONIC);
          if (wait > 0) ::usleep(static_cast<useconds_t>(wait * 1e6));
        }
        if (due - start >= duration) return;
        const std::string reply = connection.exchange(head, bodies[i % bodies.size()]);
        if (due - start >= warm_up) outcome.latency_s.push_back(seconds(CLOCK_MONOTONIC) - due);
        if (reply.compare(0, 12, "HTTP/1.1 200") != 0) {
          ++outcome.refused;
          if (outcome.first_refusal.empty()) outcome.first_refusal = reply.substr(0, 300);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double wall = seconds(CLOCK_MONOTONIC) - start;
  const double cpu = seconds(server_cpu) - cpu_before;

  std::vector<double> latency;
  long refused = 0;
  for (const Outcome& outcome : outcomes) {
    latency.insert(latency.end(), outcome.latency_s.begin(), outcome.latency_s.end());
    refused += outcome.refused;
    if (!outcome.first_refusal.empty()) std::fprintf(stderr, "%s\n", outcome.first_refusal.c_str());
  }
  std::sort(latency.begin(), latency.end());
  const auto pushes = static_cast<double>(latency.size());
  std::printf(
      "{\"pushes\": %.0f, \"refused\": %ld, \"wall_s\": %.3f, \"pushes_s\": %.1f, \"server_cpu_s\": %.4f, "
      "\"cpu_us_per_push\": %.1f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f}\n",
      pushes, refused, wall, pushes / wall, cpu, pushes > 0 ? cpu / pushes * 1e6 : 0,
      percentile(latency, 0.5) * 1e3, percentile(latency, 0.99) * 1e3, percentile(latency, 1.0) * 1e3);
  return refused == 0 ? 0 : 1;
}
