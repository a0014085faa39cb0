// Ledger: what was sealed, told from the bytes that reached the disk. It lies outside of what is tested: neither the
// agent nor the server is asked.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/spool/record.hpp"

namespace sysmon::sim {

// 0 stands for "nothing"; no digest is 0.
[[nodiscard]] inline std::uint64_t digest_of(std::string_view bytes) {
  return std::hash<std::string_view>{}(bytes) | 1U;
}

class Ledger {
 public:
  struct Entry {
    std::uint64_t digest = 0;     // of the payload; 0: it never lay on the disk
    std::int64_t written_at = 0;  // the last time
    bool is_unsafe = false;       // a sync of that has failed, and it was not written anew
    bool is_excused = false;      // docs/delivery.md says that it may be lost
    bool is_damaged = false;      // its bytes were touched: excused, too
    bool is_resealed = false;     // it lives on under another number
  };
  using Stream = std::vector<Entry>;  // by seq; element 0 is unused

  // A write to a file of the spool. Throws Violation where a batch's bytes have changed.
  void wrote(std::string_view file, std::string_view bytes, std::int64_t now);

  // A sync of a segment, or of the folder ("."): what was written there is safe if it was good.
  void synced(std::string_view file, bool is_good, std::int64_t now);
  // The kernel has written everything.
  void written_back();
  // The power is gone: what was written in the last `window` may be, too, and whatever the disk refused to sync.
  void lost_power(std::int64_t now, std::int64_t window);
  // The bytes of this batch on the disk were damaged.
  void damaged(const Id128& stream, std::uint64_t seq);

  [[nodiscard]] const std::map<Id128, Stream>& streams() const { return streams_; }
  [[nodiscard]] const Entry* find(const Id128& stream, std::uint64_t seq) const;
  [[nodiscard]] std::uint64_t sealed() const { return sealed_; }
  // How often batches got another number: all, or those with this digest.
  [[nodiscard]] std::uint64_t resealed() const { return resealed_; }
  [[nodiscard]] std::uint64_t resealed(std::uint64_t digest) const;

 private:
  struct Write {
    Id128 stream{};
    std::uint64_t seq = 0;
    std::uint64_t segment = 0;
  };
  void wrote_record(std::uint64_t segment, const Record& record, std::int64_t now);
  Entry& at(const Id128& stream, std::uint64_t seq);

  std::map<Id128, Stream> streams_;
  std::uint64_t sealed_ = 0;
  std::uint64_t resealed_ = 0;
  std::unordered_map<std::uint64_t, std::uint64_t> resealed_digests_;
  std::vector<Write> recent_;  // since the last sync of their segment
  std::int64_t failed_at_ = 0;
  std::vector<Write> unnamed_;  // since the last sync of the folder
};

}  // namespace sysmon::sim
