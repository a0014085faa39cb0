// SpoolBox: a spool over a disk that outlives it, for tests of what is there after a restart.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "crash_files.hpp"
#include "sysmon/spool.hpp"
#include "virtual_clock.hpp"

namespace sysmon::test {

inline const std::string kStream(32, 'a');
inline const std::string kOther(32, 'b');

// A spool over a disk that outlives it.
struct SpoolBox {
  explicit SpoolBox(SpoolOptions given = {}) : options(std::move(given)) {
    options.boot_id = "0a0b0c0d-0000-4000-8000-000000000001";
    start();
  }

  void start() {
    spool.reset();
    spool.emplace(files, clock, options,
                  [this](LogLevel, std::string_view line) { lines.emplace_back(line); });
  }

  void add(std::uint64_t seq, const std::string& stream = kStream) {
    spool->append(stream, seq, 3, payload(seq), true);
  }
  void add(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t seq = first; seq <= last; ++seq) add(seq);
  }
  static std::string payload(std::uint64_t seq) {
    return "payload " + std::to_string(seq) + std::string(400, static_cast<char>('a' + seq % 26));
  }

  std::vector<SpooledBatch> bundle(std::size_t batches = 64) {
    std::vector<SpooledBatch> found;
    BundleLimits limits;
    limits.batches = batches;
    spool->bundle(UINT64_MAX, limits, found);
    return found;
  }

  // Takes everything out, oldest first; checks the bytes.
  std::vector<std::uint64_t> drain() {
    std::vector<std::uint64_t> seqs;
    while (!spool->empty()) {
      for (const SpooledBatch& batch : bundle()) {
        std::string bytes;
        REQUIRE(spool->read(batch.id, bytes));
        CHECK(bytes == payload(batch.seq));
        seqs.push_back(batch.seq);
      }
      spool->acknowledge(bundle());
    }
    return seqs;
  }

  [[nodiscard]] std::set<std::uint64_t> dropped(LossReason reason) const {
    std::set<std::uint64_t> seqs;
    for (std::size_t i = 0; i < spool->drops(); ++i) {
      const DeclaredDrop drop = spool->drop(i);
      if (drop.reason != reason) continue;
      for (std::uint64_t seq = drop.range.first; seq <= drop.range.last; ++seq) {
        CHECK(seqs.insert(seq).second);
      }
    }
    return seqs;
  }

  [[nodiscard]] bool said(std::string_view part) const {
    for (const std::string& line : lines) {
      if (line.find(part) != std::string::npos) return true;
    }
    return false;
  }

  VirtualClock clock;
  CrashFiles files;
  SpoolOptions options;
  std::vector<std::string> lines;
  std::optional<Spool> spool;
};

inline std::vector<std::uint64_t> range(std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> seqs;
  for (std::uint64_t seq = first; seq <= last; ++seq) seqs.push_back(seq);
  return seqs;
}

}  // namespace sysmon::test
