#include "core/push_reply.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <nlohmann/json.hpp>

namespace sysmon {
namespace {

using nlohmann::json;
using Verdict = PushReply::Verdict;

constexpr std::uint64_t kMaxWatchSeconds = 3600;
constexpr std::size_t kMaxDetail = 200;  // what a server says goes into a log line

// nullptr-like (discarded) for anything but one JSON object.
json parse_object(const std::string& text) {
  json document = json::parse(text, nullptr, false);
  if (!document.is_object()) return json::value_t::discarded;
  return document;
}

const json* member(const json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

std::uint64_t count_of(const json& object, const char* name) {
  const json* value = member(object, name);
  return value != nullptr && value->is_number_unsigned() ? value->get<std::uint64_t>() : 0;
}

std::string text_of(const json& object, const char* name) {
  const json* value = member(object, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

bool names_range(const json& document, std::string_view stream, std::optional<SeqRange> range) {
  const json* acked = member(document, "acked");
  if (acked == nullptr || text_of(document, "stream") != stream) return false;
  if (!range) return acked->is_null() && text_of(document, "status") == "ok";
  const bool is_pair = acked->is_array() && acked->size() == 2 && (*acked)[0].is_number_unsigned() &&
                       (*acked)[1].is_number_unsigned();
  return is_pair && (*acked)[0].get<std::uint64_t>() == range->first &&
         (*acked)[1].get<std::uint64_t>() == range->last;
}

Verdict verdict_of(int status, bool has_our_code) {
  switch (status) {
    case 0:
    case 408:
      return Verdict::unknown;
    case 400:
    case 422:
      return has_our_code ? Verdict::invalid
                          : Verdict::unknown;  // a proxy's 400 says nothing about the batch
    case 409:
      return Verdict::conflict;
    case 413:
      return Verdict::too_big;
    case 429:
    case 503:
      return Verdict::overloaded;
    default:
      // 3xx and the 4xx that only a change of configuration can mend; a 1xx or 2xx here is not our server's.
      return status >= 300 && status < 500 ? Verdict::refused : Verdict::unknown;
  }
}

}  // namespace

std::chrono::milliseconds parse_retry_after(std::string_view text, std::int64_t wall_ms) {
  constexpr std::chrono::milliseconds kMax = kMaxRetryAfter;
  const bool digits =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (digits) {
    std::uint64_t seconds = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (parsed.ec != std::errc{} || seconds > static_cast<std::uint64_t>(kMax.count() / 1000)) return kMax;
    return std::chrono::seconds(seconds);
  }
  std::tm date{};
  const std::string copy(text);
  const char* end = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
  if (end == nullptr || *end != '\0') return std::chrono::milliseconds{0};
  const std::chrono::milliseconds wait(static_cast<std::int64_t>(::timegm(&date)) * 1000 - wall_ms);
  return std::clamp(wait, std::chrono::milliseconds{0}, kMax);
}

PushReply read_push_reply(const HttpReply& reply, std::string_view stream, std::optional<SeqRange> range,
                          std::int64_t wall_ms) {
  PushReply result;
  result.status = reply.status;
  if (reply.status == 0) {
    result.detail = reply.error.substr(0, kMaxDetail);
    return result;
  }
  const json document = parse_object(reply.body);
  if (reply.status == 200 && names_range(document, stream, range)) {
    result.verdict = Verdict::acked;
    const json* duplicate = member(document, "duplicate");
    result.duplicate = duplicate != nullptr && duplicate->is_boolean() && duplicate->get<bool>();
    result.rejected = count_of(document, "rejected");
    result.watch = std::chrono::seconds(std::min(count_of(document, "watch_s"), kMaxWatchSeconds));
    return result;
  }
  const json* error = member(document, "error");
  const std::string code = error != nullptr ? text_of(*error, "code") : "";
  result.verdict = verdict_of(reply.status, !code.empty());
  if (result.verdict == Verdict::overloaded)
    result.retry_after = parse_retry_after(reply.retry_after, wall_ms);
  result.detail = "status " + std::to_string(reply.status);
  if (!code.empty()) result.detail += " " + code;
  if (error != nullptr && !text_of(*error, "message").empty())
    result.detail += ": " + text_of(*error, "message");
  if (reply.status >= 200 && reply.status < 300) result.detail += ", but not from a sysmon aggregator";
  if (result.detail.size() > kMaxDetail) result.detail.resize(kMaxDetail);
  return result;
}

}  // namespace sysmon
