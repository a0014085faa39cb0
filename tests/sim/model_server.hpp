// ModelServer: what an aggregator does with pushes, in a page: sets of seqs by stream, duplicates, 409 for other bytes
// under a used number, declared drops. It commits at once and forgets nothing. The rules are those of
// docs/formats/wire.md and python/sysmon/aggregator/streams.py.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/spool/record.hpp"
#include "gzip_members.hpp"
#include "sysmon/http_client.hpp"
#include "sysmon/seq_range.hpp"

namespace sysmon::sim {

// A push as it arrived. Views into the request.
struct Push {
  std::string_view token;
  std::string_view stream;
  std::string_view now;  // X-SysMon-Now
  std::string_view dropped;
  std::optional<SeqRange> range;
  std::string_view body;
  bool is_gzip = false;
};
[[nodiscard]] Push read_push(const HttpRequest& request);

// Of so many of a stream's newest batches the server knows the bytes.
inline constexpr std::uint64_t kKnownDigests = 4'096;

class ModelServer {
 public:
  struct Seq {
    std::uint64_t digest = 0;  // of the stored bytes; 0: none
    bool is_declared = false;  // it will never come
    bool is_denied = false;    // declared given up although its sender knew that it is stored
    std::uint64_t acked = 0;   // the process that has read the reply that said so; 0: none
  };
  using Stream = std::vector<Seq>;  // by seq; element 0 is unused

  std::string token = "secret";
  std::uint64_t process = 0;                              // the sender's, counted up
  int watch_s = 0;                                        // somebody looks at the host
  std::size_t max_bundle = 64;                            // 413 past it
  std::function<bool(std::uint64_t digest)> is_poison{};  // 400 for a request with such a batch
  std::function<bool(std::uint64_t digest)> is_huge{};    // 413 even alone
  // Every batch that is stored, once; `digest` is of its bytes, `text` is its JSON.
  std::function<void(const Push& push, std::uint64_t digest, std::string_view text)> stored{};

  [[nodiscard]] HttpReply post(const Push& push);
  // The sender has read the reply to this push.
  void acked(const Push& push);

  [[nodiscard]] const std::map<Id128, Stream>& streams() const { return streams_; }
  [[nodiscard]] const Seq* find(const Id128& stream, std::uint64_t seq) const;
  [[nodiscard]] std::uint64_t duplicates() const { return duplicates_; }
  [[nodiscard]] std::uint64_t conflicts() const { return conflicts_; }
  [[nodiscard]] std::uint64_t batches() const { return batches_; }

  [[nodiscard]] static HttpReply ack(const Push& push, bool is_duplicate, int watch_seconds = 0);
  [[nodiscard]] static HttpReply error(int status, std::string_view code, std::string retry_after = "");

 private:
  struct Batch {
    std::uint64_t digest = 0;
    std::string_view text;
  };
  void settle_drops(std::string_view dropped, Stream& stream);
  [[nodiscard]] bool read_batches(const Push& push);

  std::map<Id128, Stream> streams_;
  test::GzipMembers members_;
  std::vector<Batch> batches_of_push_;
  std::uint64_t duplicates_ = 0;
  std::uint64_t conflicts_ = 0;
  std::uint64_t batches_ = 0;
};

}  // namespace sysmon::sim
