// Any reply to a push: a verdict within its bounds, and acknowledged only by what names the range.
//
// status, 2 | Retry-After up to the first line break | body
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/push_reply.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sysmon;  // NOLINT(google-build-using-namespace)
  using Verdict = PushReply::Verdict;
  constexpr std::string_view kStream = "0123456789abcdef0123456789abcdef";
  constexpr std::int64_t kNow = 1'738'858'800'000;
  constexpr std::size_t kMaxDetail = 200;
  if (size < 2) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  HttpReply reply;
  reply.status = (data[0] + 256 * data[1]) % 1000;
  reply.retry_after = rest.substr(0, end);
  reply.body = rest.substr(std::min(end + 1, rest.size()));

  const auto wait = parse_retry_after(reply.retry_after, kNow);
  if (wait < std::chrono::milliseconds{0} || wait > kMaxRetryAfter) std::abort();
  for (const std::optional<SeqRange> range : {std::optional<SeqRange>({7, 9}), std::optional<SeqRange>()}) {
    const PushReply said = read_push_reply(reply, kStream, range, kNow);
    if (said.retry_after > kMaxRetryAfter || said.watch > std::chrono::hours{1}) std::abort();
    if (said.detail.size() > kMaxDetail || said.status != reply.status) std::abort();
    if (said.verdict != Verdict::acked) continue;
    if (reply.status != 200 || reply.body.find(kStream) == std::string::npos) std::abort();
    // Not a word less than the two numbers; whether they are written 7 or 7.0 is the parser's business.
    if (range && (reply.body.find('7') == std::string::npos || reply.body.find('9') == std::string::npos))
      std::abort();
  }
  return 0;
}
