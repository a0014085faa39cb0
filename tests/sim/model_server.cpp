#include "model_server.hpp"

#include <algorithm>
#include <charconv>

#include "ledger.hpp"
#include "violation.hpp"

namespace sysmon::sim {
namespace {

constexpr std::uint64_t kMostSeqs = 10'000'000;

std::uint64_t number_at(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{}) throw Violation(Kind::error, "a header that is no header: " + std::string(text));
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

SeqRange range_at(std::string_view& text) {
  SeqRange range;
  range.first = range.last = number_at(text);
  if (text.starts_with('-')) {
    text.remove_prefix(1);
    range.last = number_at(text);
  }
  if (range.first == 0 || range.last < range.first || range.last > kMostSeqs) {
    throw Violation(Kind::error, "an absurd range in a header");
  }
  return range;
}

}  // namespace

Push read_push(const HttpRequest& request) {
  Push push;
  push.body = request.body;
  for (const std::string_view line : request.headers) {
    const std::size_t colon = line.find(": ");
    const std::string_view name = line.substr(0, colon);
    std::string_view value = line.substr(colon + 2);
    if (name == "X-SysMon-Token") push.token = value;
    if (name == "X-SysMon-Stream") push.stream = value;
    if (name == "X-SysMon-Now") push.now = value;
    if (name == "X-SysMon-Dropped") push.dropped = value;
    if (name == "Content-Encoding") push.is_gzip = value == "gzip";
    if (name == "X-SysMon-Seq") push.range = range_at(value);
  }
  return push;
}

HttpReply ModelServer::ack(const Push& push, bool is_duplicate, int watch_seconds) {
  std::string body = R"({"status":"ok","stream":")";
  body.append(push.stream).append("\",\"acked\":");
  if (push.range) {
    body += "[" + std::to_string(push.range->first) + "," + std::to_string(push.range->last) + "]";
  } else {
    body += "null";
  }
  body += is_duplicate ? ",\"duplicate\":true" : ",\"duplicate\":false";
  body += ",\"rejected\":0,\"watch_s\":" + std::to_string(watch_seconds) + "}";
  return {200, "", std::move(body), ""};
}

HttpReply ModelServer::error(int status, std::string_view code, std::string retry_after) {
  std::string body = "<html>no</html>";
  if (!code.empty()) body = R"({"error":{"code":")" + std::string(code) + R"(","message":"no"}})";
  return {status, "", std::move(body), std::move(retry_after)};
}

const ModelServer::Seq* ModelServer::find(const Id128& stream, std::uint64_t seq) const {
  const auto found = streams_.find(stream);
  if (found == streams_.end() || seq >= found->second.size()) return nullptr;
  return &found->second[static_cast<std::size_t>(seq)];
}

HttpReply ModelServer::post(const Push& push) {
  if (push.token != token) return error(401, "unauthorized");
  batches_of_push_.clear();
  Stream& stream = streams_[parse_id128(push.stream)];
  const SeqRange range = push.range.value_or(SeqRange{1, 0});
  const std::uint64_t count = range.last + 1 - range.first;
  if (count > max_bundle) return error(413, "too_many_batches");
  if (stream.size() <= range.last) stream.resize(static_cast<std::size_t>(range.last) + 1);

  if (count > 0 && !read_batches(push)) return error(400, "bad_gzip");
  if (batches_of_push_.size() != count) return error(400, "wrong_member_count");
  std::size_t settled = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t seq = static_cast<std::size_t>(range.first) + i;
    const Seq& known = stream[seq];
    const bool is_settled = known.digest != 0 || known.is_declared;
    const bool is_known = is_settled && stream.size() - seq <= kKnownDigests;
    if (is_known && known.digest != batches_of_push_[i].digest) {
      ++conflicts_;
      return error(409, "seq_conflict");
    }
    if (is_settled) ++settled;
  }
  if (count > 0 && settled == count && push.dropped.empty()) {
    ++duplicates_;
    return ack(push, true);
  }
  for (const Batch& batch : batches_of_push_) {
    if (is_huge && is_huge(batch.digest)) return error(413, "body_too_large");
    if (is_poison && is_poison(batch.digest)) return error(400, "bad_json");
  }
  settle_drops(push.dropped, stream);
  for (std::size_t i = 0; i < count; ++i) {
    Seq& seq = stream[static_cast<std::size_t>(range.first) + i];
    if (seq.digest != 0 || seq.is_declared) continue;
    seq.digest = batches_of_push_[i].digest;
    ++batches_;
    if (stored) stored(push, seq.digest, batches_of_push_[i].text);
  }
  const bool is_duplicate = count > 0 && settled == count;
  if (is_duplicate) ++duplicates_;
  return ack(push, is_duplicate, watch_s);
}

bool ModelServer::read_batches(const Push& push) {
  batches_of_push_.clear();
  if (!push.is_gzip) {
    batches_of_push_.push_back({digest_of(push.body), push.body});
    return true;
  }
  if (!members_.split(push.body)) return false;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    batches_of_push_.push_back({digest_of(members_[i].packed), members_[i].text});
  }
  return true;
}

void ModelServer::settle_drops(std::string_view dropped, Stream& stream) {
  while (!dropped.empty()) {
    const std::size_t comma = std::min(dropped.find(", "), dropped.size());
    std::string_view drop = dropped.substr(0, comma);
    dropped.remove_prefix(std::min(comma + 2, dropped.size()));
    const SeqRange range = range_at(drop);
    // What a disk has lost its agent cannot know to be stored; nor, while an older batch waits, what the process
    // before was told.
    const bool is_choice = !drop.ends_with("reason=corrupt");
    if (stream.size() <= range.last) stream.resize(static_cast<std::size_t>(range.last) + 1);
    for (std::uint64_t seq = range.first; seq <= range.last; ++seq) {
      Seq& known = stream[static_cast<std::size_t>(seq)];
      if (known.digest == 0) {
        known.is_declared = true;
      } else if (is_choice && known.acked == process) {
        known.is_denied = true;
      }
    }
  }
}

void ModelServer::acked(const Push& push) {
  if (!push.range) return;
  Stream& stream = streams_[parse_id128(push.stream)];
  for (std::uint64_t seq = push.range->first; seq <= push.range->last; ++seq) {
    stream[static_cast<std::size_t>(seq)].acked = process;
  }
}

}  // namespace sysmon::sim
