// Compaction: journal rows -> the chunk of an hour, and the chunks of a day -> cells of five minutes and of an hour.
//
//     Result<PackedChunk> hour = pack_hour(key_sets, host, start_ms);
//     for (const auto& [part, payload] : hour->parts) store(ChunkKey{0, hour_number, host_id, part}, payload);
//
// Threads: may be called by any thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sysmon/chunk.hpp"
#include "sysmon/columns.hpp"
#include "sysmon/key_sets.hpp"
#include "sysmon/push_decoder.hpp"
#include "sysmon/result.hpp"

namespace sysmon {

struct PackedChunk {
  KeySetId key_set =
      0;  // of all its parts; a new one where no set that was used holds every key. 0: no samples
  std::uint32_t samples = 0;                            // or cells
  std::vector<std::pair<unsigned, std::string>> parts;  // (part, payload), the ticks first; empty: no samples
};

// The chunk of the hour that begins at `start_ms`, of all samples of it that the host has: what was compacted
// before (its old parts) and what came since (rows; those of other hours are ignored).
// Error: malformed, where a payload is damaged; too_large, where the keys would not fit in one set.
[[nodiscard]] Result<PackedChunk> pack_hour(KeySets& key_sets, const StoredHost& host, std::int64_t start_ms);

// The last two samples of every series of a host, as the rows they would have come in, oldest first: what last
// values are made from after a restart. Error: malformed.
[[nodiscard]] Result<std::vector<Row>> newest_rows(const KeySets& key_sets, const StoredHost& host);

inline constexpr std::int64_t kOneHourMs = 3'600'000;
inline constexpr std::int64_t kOneDayMs = 86'400'000;

// The cells of the day that begins at `start_ms`, each `cell_ms` long, made from the raw parts of the day and of
// the hour before it (for the first increase). Error: as above.
[[nodiscard]] Result<PackedChunk> pack_day(KeySets& key_sets, const StoredHost& host, std::int64_t start_ms,
                                           std::int64_t cell_ms);

}  // namespace sysmon
