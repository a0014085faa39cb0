// Transport: one POST and its reply.  HttpClient: the same over libcurl, opened at run time.
//
// libcurl is not linked but opened with dlopen, so that the agent's executable needs libc and libz only while
// TLS, the trust store and their security updates stay the host's.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "sysmon/result.hpp"

namespace sysmon {

struct HttpRequest {
  const std::string& url;
  std::span<const std::string> headers;  // "Name: value"
  std::string_view body;
  std::chrono::milliseconds timeout{15'000};  // for all of it
  // Called while the reply is waited for: once a second, and sooner where it says in how long. It must neither
  // post nor throw.
  const std::function<std::chrono::milliseconds()>* while_waiting = nullptr;
};

struct HttpReply {
  int status = 0;           // 0: there was no reply
  std::string error;        // why there was none
  std::string body;         // at most kMaxReplyBytes
  std::string retry_after;  // the header's value; empty without one
};

inline constexpr std::size_t kMaxReplyBytes = 64U << 10U;

class Transport {
 public:
  virtual ~Transport() = default;
  // Waits for the reply, at most request.timeout. Never throws.
  [[nodiscard]] virtual HttpReply post(const HttpRequest& request) = 0;
};

struct HttpClientOptions {
  std::string ca_file;  // empty: $SSL_CERT_FILE, $CURL_CA_BUNDLE, then where distributions keep theirs
  std::string cert_file;
  std::string key_file;
  std::string proxy;  // empty: none; the environment is not asked
  // Set to give up a request under way, half a second later; looked at about once a second.
  const std::atomic<bool>* cancel = nullptr;
};

// A client that keeps its connection between posts. http and https only; redirects are not followed.
// Error not_found: no libcurl on this host; the message names the package.
// Not thread-safe; call once before other threads start, as libcurl's own set-up is not.
[[nodiscard]] Result<std::unique_ptr<Transport>> open_http_client(HttpClientOptions options);

}  // namespace sysmon
