#include "sysmon/http_client.hpp"

// The interface stays the same from 7.61 on; newer headers call some of it old.
#define CURL_DISABLE_DEPRECATION
#include <curl/curl.h>
#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <thread>

namespace sysmon {
namespace {

constexpr long kConnectTimeoutMs = 5'000;
constexpr std::chrono::milliseconds kGrace{500};
constexpr std::chrono::milliseconds kLook{1'000};   // at the latest
constexpr std::chrono::milliseconds kNoSocket{20};  // while there is none to wait for: a name is looked up
// CURLOPT_QUICK_EXIT, since 7.87, which the header this is built with may not have.
constexpr auto kQuickExit = static_cast<CURLoption>(CURLOPTTYPE_LONG + 322);

// The functions of libcurl that are used, with the types of its header.
struct Curl {
  decltype(&curl_global_init) global_init = nullptr;
  decltype(&curl_easy_init) easy_init = nullptr;
  decltype(&curl_easy_cleanup) easy_cleanup = nullptr;
  decltype(&curl_easy_setopt) easy_setopt = nullptr;
  decltype(&curl_easy_getinfo) easy_getinfo = nullptr;
  decltype(&curl_easy_strerror) easy_strerror = nullptr;
  decltype(&curl_multi_init) multi_init = nullptr;
  decltype(&curl_multi_cleanup) multi_cleanup = nullptr;
  decltype(&curl_multi_add_handle) multi_add_handle = nullptr;
  decltype(&curl_multi_remove_handle) multi_remove_handle = nullptr;
  decltype(&curl_multi_perform) multi_perform = nullptr;
  decltype(&curl_multi_wait) multi_wait = nullptr;
  decltype(&curl_multi_info_read) multi_info_read = nullptr;
  decltype(&curl_slist_append) slist_append = nullptr;
  decltype(&curl_slist_free_all) slist_free_all = nullptr;
};

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

// Whether dlopen says that there is no such file: "NAME: cannot open shared object file: No such file or directory".
bool is_absence(std::string_view why, std::string_view name) {
  return why.starts_with(name) && why.ends_with("No such file or directory");
}

// Opened once and never closed: libcurl and its TLS library do not survive it.
Result<Curl> open_curl() {
  void* library = nullptr;
  // Of one that is there and cannot be had: too little memory, a library that it needs.
  std::string broken;
  for (const char* name : {"libcurl.so.4", "libcurl-gnutls.so.4"}) {
    library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library != nullptr) break;
    const char* why = ::dlerror();
    if (broken.empty() && why != nullptr && !is_absence(why, name)) broken = why;
  }
  if (library == nullptr && !broken.empty())
    return Error{Error::Kind::io, "libcurl.so.4", "libcurl cannot be loaded: " + broken, 0};
  if (library == nullptr) {
    return Error{
        Error::Kind::not_found, "libcurl.so.4",
        "libcurl is not installed. Fix: apt-get install libcurl4   (Fedora, RHEL: dnf install libcurl)", 0};
  }
  Curl curl;
  const bool complete = find(library, "curl_global_init", curl.global_init) &&
                        find(library, "curl_easy_init", curl.easy_init) &&
                        find(library, "curl_easy_cleanup", curl.easy_cleanup) &&
                        find(library, "curl_easy_setopt", curl.easy_setopt) &&
                        find(library, "curl_easy_getinfo", curl.easy_getinfo) &&
                        find(library, "curl_easy_strerror", curl.easy_strerror) &&
                        find(library, "curl_multi_init", curl.multi_init) &&
                        find(library, "curl_multi_cleanup", curl.multi_cleanup) &&
                        find(library, "curl_multi_add_handle", curl.multi_add_handle) &&
                        find(library, "curl_multi_remove_handle", curl.multi_remove_handle) &&
                        find(library, "curl_multi_perform", curl.multi_perform) &&
                        find(library, "curl_multi_wait", curl.multi_wait) &&
                        find(library, "curl_multi_info_read", curl.multi_info_read) &&
                        find(library, "curl_slist_append", curl.slist_append) &&
                        find(library, "curl_slist_free_all", curl.slist_free_all);
  if (!complete || curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return Error{Error::Kind::unavailable, "libcurl.so.4", "libcurl is there but cannot be used", 0};
  }
  return curl;
}

// A libcurl from elsewhere than the distribution looks for its certificates elsewhere too.
std::string find_ca_file(const std::string& configured) {
  if (!configured.empty()) return configured;
  for (const char* variable : {"SSL_CERT_FILE", "CURL_CA_BUNDLE"}) {
    const char* path = std::getenv(variable);
    if (path != nullptr && *path != '\0') return path;
  }
  for (const char* path : {"/etc/ssl/certs/ca-certificates.crt",  // Debian, Ubuntu, Arch, Alpine
                           "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // Fedora, RHEL
                           "/etc/pki/tls/certs/ca-bundle.crt",                   // older RHEL
                           "/etc/ssl/ca-bundle.pem"}) {                          // openSUSE
    if (::access(path, R_OK) == 0) return path;
  }
  return "";
}

class HttpClient final : public Transport {
 public:
  HttpClient(const Curl& curl, HttpClientOptions options) : curl_(curl), options_(std::move(options)) {}
  ~HttpClient() override {
    if (easy_ != nullptr) curl_.easy_cleanup(easy_);
    if (multi_ != nullptr) curl_.multi_cleanup(multi_);
  }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  bool prepare() {
    easy_ = curl_.easy_init();
    multi_ = curl_.multi_init();
    if (easy_ == nullptr || multi_ == nullptr) return false;
    const auto set = [&](CURLoption option, auto value) {
      return curl_.easy_setopt(easy_, option, value) == CURLE_OK;
    };
    bool good = set(CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS)) &&
                set(CURLOPT_FOLLOWLOCATION, 0L) && set(CURLOPT_PROXY, options_.proxy.c_str()) &&
                set(CURLOPT_NOSIGNAL, 1L) && set(CURLOPT_SSL_VERIFYPEER, 1L) &&
                set(CURLOPT_SSL_VERIFYHOST, 2L) &&
                set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2)) &&
                set(CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs) && set(CURLOPT_TCP_KEEPALIVE, 1L) &&
                set(CURLOPT_POST, 1L) && set(CURLOPT_ERRORBUFFER, error_.data()) &&
                set(CURLOPT_WRITEFUNCTION, &HttpClient::take_body) && set(CURLOPT_WRITEDATA, this) &&
                set(CURLOPT_HEADERFUNCTION, &HttpClient::take_header) && set(CURLOPT_HEADERDATA, this);
    // A kept address would outlive a move by a minute: each new connection asks for the name.
    good = good && set(CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    // A resolver that gets no answer may take half a minute; without it a request that has timed out, and the
    // end, would wait for its thread. An older libcurl does so.
    (void)set(kQuickExit, 1L);
    const std::string ca_file = find_ca_file(options_.ca_file);
    if (!ca_file.empty()) good = good && set(CURLOPT_CAINFO, ca_file.c_str());
    if (!options_.cert_file.empty()) {
      good = good && set(CURLOPT_SSLCERT, options_.cert_file.c_str()) &&
             set(CURLOPT_SSLKEY, options_.key_file.c_str());
    }
    return good;
  }

  [[nodiscard]] HttpReply post(const HttpRequest& request) override {
    reply_ = {};
    cancelled_at_.reset();
    error_[0] = '\0';
    // Without "Expect:" libcurl asks before it sends a large body, and a server that does not answer costs a
    // second.
    curl_slist* headers = curl_.slist_append(nullptr, "Expect:");
    for (const std::string& header : request.headers) {
      curl_slist* longer = curl_.slist_append(headers, header.c_str());
      if (longer != nullptr) headers = longer;
    }
    curl_.easy_setopt(easy_, CURLOPT_URL, request.url.c_str());
    curl_.easy_setopt(easy_, CURLOPT_HTTPHEADER, headers);
    const char* const body = request.body.data();  // its end is POSTFIELDSIZE
    curl_.easy_setopt(easy_, CURLOPT_POSTFIELDS, body);
    curl_.easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_.easy_setopt(easy_, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    const CURLcode code = perform(request);
    curl_.easy_setopt(easy_, CURLOPT_HTTPHEADER, nullptr);
    curl_.slist_free_all(headers);
    if (code != CURLE_OK) {
      reply_.status = 0;
      reply_.error = code == CURLE_ABORTED_BY_CALLBACK ? "given up after waiting"
                     : error_[0] != '\0'               ? error_.data()
                                                       : curl_.easy_strerror(code);
    } else {
      long status = 0;
      curl_.easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
      reply_.status = static_cast<int>(status);
    }
    return std::move(reply_);
  }

 private:
  // curl_easy_perform for somebody who has to look after something else meanwhile: that one looks up once a second.
  CURLcode perform(const HttpRequest& request) {
    if (curl_.multi_add_handle(multi_, easy_) != CURLM_OK) return CURLE_FAILED_INIT;
    CURLcode code = CURLE_FAILED_INIT;
    int running = 0;
    while (curl_.multi_perform(multi_, &running) == CURLM_OK && running > 0) {
      const std::chrono::milliseconds pause = look_around(request);
      if (is_given_up()) {
        code = CURLE_ABORTED_BY_CALLBACK;
        break;
      }
      wait(pause);
    }
    int more = 0;
    while (const CURLMsg* const message = curl_.multi_info_read(multi_, &more)) {
      if (message->msg == CURLMSG_DONE) code = message->data.result;
    }
    curl_.multi_remove_handle(multi_, easy_);
    return code;
  }

  // Until something moves, at most so long.
  void wait(std::chrono::milliseconds pause) {
    const auto before = std::chrono::steady_clock::now();
    int moving = 0;
    curl_.multi_wait(multi_, nullptr, 0, static_cast<int>(pause.count()), &moving);
    // Without a socket it returns at once.
    const auto waited = std::chrono::steady_clock::now() - before;
    if (moving == 0 && waited < std::min(pause, kNoSocket))
      std::this_thread::sleep_for(std::min(pause, kNoSocket) - waited);
  }

  // In how long to look again, at the latest.
  static std::chrono::milliseconds look_around(const HttpRequest& request) {
    if (request.while_waiting == nullptr) return kLook;
    return std::clamp((*request.while_waiting)(), std::chrono::milliseconds{1}, kLook);
  }

  // A request that is about to succeed gets kGrace once it was cancelled; one that hangs is given up.
  bool is_given_up() {
    const auto* const cancel = options_.cancel;
    // relaxed: the flag alone matters, nothing is read on its account.
    if (cancel == nullptr || !cancel->load(std::memory_order_relaxed)) return false;
    const auto now = std::chrono::steady_clock::now();
    if (!cancelled_at_) cancelled_at_ = now;
    return now - *cancelled_at_ >= kGrace;
  }

  // libcurl's callbacks; `self` is the client.
  static std::size_t take_body(char* data, std::size_t size, std::size_t count, void* self) {
    HttpReply& reply = static_cast<HttpClient*>(self)->reply_;
    const std::size_t bytes = size * count;
    if (reply.body.size() + bytes > kMaxReplyBytes) return 0;  // ends the transfer with an error
    reply.body.append(data, bytes);
    return bytes;
  }

  static std::size_t take_header(char* data, std::size_t size, std::size_t count, void* self) {
    constexpr std::string_view kName = "retry-after:";
    const std::string_view line(data, size * count);
    const auto lower = [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); };
    const bool is_it =
        line.size() > kName.size() &&
        std::equal(kName.begin(), kName.end(), line.begin(), [&](char a, char b) { return a == lower(b); });
    if (is_it) {
      std::string_view value = line.substr(kName.size());
      const std::size_t first = value.find_first_not_of(" \t");
      const std::size_t last = value.find_last_not_of(" \t\r\n");
      if (first != std::string_view::npos && last != std::string_view::npos) {
        static_cast<HttpClient*>(self)->reply_.retry_after = value.substr(first, last - first + 1);
      }
    }
    return line.size();
  }

  Curl curl_;
  HttpClientOptions options_;
  CURL* easy_ = nullptr;
  CURLM* multi_ = nullptr;  // has the connection
  HttpReply reply_;
  std::optional<std::chrono::steady_clock::time_point> cancelled_at_;  // first seen by the request under way
  std::array<char, CURL_ERROR_SIZE> error_{};
};

}  // namespace

Result<std::unique_ptr<Transport>> open_http_client(HttpClientOptions options) {
  static const Result<Curl> curl = open_curl();
  if (!curl) return curl.error();
  auto client = std::make_unique<HttpClient>(*curl, std::move(options));
  if (!client->prepare()) {
    return Error{Error::Kind::unavailable, "libcurl", "this libcurl lacks TLS or an option that is needed",
                 0};
  }
  return std::unique_ptr<Transport>(std::move(client));
}

}  // namespace sysmon
