// The real libcurl against a real server on the loopback; what the network may do to the publisher is tested
// with the model server, time and all.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sysmon/http_client.hpp"

using namespace sysmon;

namespace {

// Answers every request with the same bytes; one connection at a time.
class Server {
 public:
  explicit Server(std::string reply)
      : reply_(std::move(reply)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener_, 4) == 0);
    REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/api/metrics";
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    is_done_ = true;
    thread_.join();
    ::close(listener_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::string url;
  std::atomic<int> connections{0};

 private:
  [[nodiscard]] bool is_readable(int fd) const {
    pollfd wait{fd, POLLIN, 0};
    while (!is_done_) {
      if (::poll(&wait, 1, 20) > 0) return true;
    }
    return false;
  }

  void serve() {
    while (is_readable(listener_)) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      ++connections;
      while (is_readable(fd) && answer(fd)) {
      }
      ::close(fd);
    }
  }

  // One request; false when the other side has closed.
  bool answer(int fd) {
    std::string request;
    char buffer[4096];
    for (;;) {
      const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
      if (got <= 0) return false;
      request.append(buffer, static_cast<std::size_t>(got));
      const std::size_t end = request.find("\r\n\r\n");
      const std::size_t length = request.find("Content-Length: ");
      if (end == std::string::npos || length == std::string::npos) continue;
      if (request.size() >= end + 4 + std::stoull(request.substr(length + 16))) break;
    }
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    if (reply_.empty()) return true;  // a server that never answers
    return ::send(fd, reply_.data(), reply_.size(), MSG_NOSIGNAL) > 0;
  }

  const std::string reply_;
  const int listener_;
  std::atomic<bool> is_done_{false};
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

std::string http_reply(const std::string& head, const std::string& body) {
  return "HTTP/1.1 " + head + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::unique_ptr<Transport> client_with(HttpClientOptions options) {
  auto client = open_http_client(std::move(options));
  REQUIRE(client.ok());
  return std::move(*client);
}

const std::vector<std::string> kHeaders = {"Content-Type: application/json", "X-SysMon-Token: secret"};

}  // namespace

TEST_CASE("a post arrives whole, the reply comes back whole, the connection is kept") {
  Server server(http_reply("200 OK\r\nRetry-After:  17 ", "{\"status\":\"ok\"}"));
  const auto client = client_with({});
  const std::string body(300'000, 'x');
  for (int i = 0; i < 3; ++i) {
    const HttpReply reply = client->post({server.url, kHeaders, body});
    CHECK(reply.status == 200);
    CHECK(reply.error.empty());
    CHECK(reply.body == "{\"status\":\"ok\"}");
    CHECK(reply.retry_after == "17");
  }
  CHECK(server.connections == 1);
  const std::string request = server.requests().at(0);
  CHECK(request.starts_with("POST /api/metrics HTTP/1.1\r\n"));
  CHECK(request.find("X-SysMon-Token: secret\r\n") != std::string::npos);
  CHECK(request.find("Expect:") == std::string::npos);
  CHECK(request.ends_with(body));
}

TEST_CASE("a redirect is a reply, never followed") {
  Server elsewhere(http_reply("200 OK", "stolen"));
  Server server(http_reply("307 Temporary Redirect\r\nLocation: " + elsewhere.url, ""));
  const HttpReply reply = client_with({})->post({server.url, kHeaders, "x"});
  CHECK(reply.status == 307);
  CHECK(elsewhere.requests().empty());
}

TEST_CASE("no reply has a reason") {
  const auto client = client_with({});
  Server silent("");
  const HttpReply late = client->post({silent.url, kHeaders, "x", std::chrono::milliseconds(150)});
  CHECK(late.status == 0);
  CHECK(!late.error.empty());
  const std::string nobody = "http://127.0.0.1:1/";
  const HttpReply refused = client->post({nobody, kHeaders, "x"});
  CHECK(refused.status == 0);
  CHECK(!refused.error.empty());
  for (const std::string url : {"file:///etc/passwd", "ftp://127.0.0.1/", "nonsense://x"}) {
    const HttpReply other = client->post({url, kHeaders, "x"});
    CHECK(other.status == 0);
    CHECK(other.body.empty());
  }
}

TEST_CASE("a reply longer than the limit is none") {
  Server server(http_reply("200 OK", std::string(kMaxReplyBytes + 1, 'x')));
  const HttpReply reply = client_with({})->post({server.url, kHeaders, "x"});
  CHECK(reply.status == 0);
  CHECK(reply.body.size() <= kMaxReplyBytes);
  Server fits(http_reply("200 OK", std::string(kMaxReplyBytes, 'x')));
  CHECK(client_with({})->post({fits.url, kHeaders, "x"}).body.size() == kMaxReplyBytes);
}

TEST_CASE("a proxy comes from the options, never from the environment") {
  Server proxy(http_reply("200 OK", "proxy"));
  Server server(http_reply("200 OK", "server"));
  ::setenv("http_proxy", proxy.url.c_str(), 1);
  CHECK(client_with({})->post({server.url, kHeaders, "x"}).body == "server");
  ::unsetenv("http_proxy");
  HttpClientOptions options;
  options.proxy = proxy.url.substr(0, proxy.url.find("/api"));
  CHECK(client_with(options)->post({server.url, kHeaders, "x"}).body == "proxy");
}

TEST_CASE("whoever waits for a reply can do something else meanwhile") {
  Server silent("");
  int calls = 0;
  std::chrono::milliseconds next{10'000};
  const std::function<std::chrono::milliseconds()> count = [&] {
    ++calls;
    return next;
  };
  const auto client = client_with({});
  CHECK(client->post({silent.url, kHeaders, "x", std::chrono::milliseconds(1'500), &count}).status == 0);
  CHECK(calls > 1);
  const int calls_by_itself = std::exchange(calls, 0);
  next = std::chrono::milliseconds{20};
  CHECK(client->post({silent.url, kHeaders, "x", std::chrono::milliseconds(1'500), &count}).status == 0);
  CHECK(calls > 5 * calls_by_itself);
}

TEST_CASE("a request under way can be given up") {
  Server silent("");
  std::atomic<bool> cancel{true};
  HttpClientOptions options;
  options.cancel = &cancel;
  CHECK(client_with(options)->post({silent.url, kHeaders, "x"}).status == 0);
}
