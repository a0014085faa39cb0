// Damage to a spool's files: bit flips, runs of zeros, cuts, segments that are gone, twice there, foreign or of another
// version, a cursor that is garbage.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/spool/record.hpp"
#include "crash_files.hpp"
#include "splitmix.hpp"

namespace sysmon::sim {

using Touched = std::vector<std::pair<Id128, SeqRange>>;

// One mutation. Returns the batches whose record (or the record that speaks of them) is no longer whole.
Touched damage_spool(test::CrashFiles& disk, test::Splitmix& random);

// For a trace: each segment with its records, and where the cursor points.
[[nodiscard]] std::vector<std::string> describe_spool(test::CrashFiles& disk);

}  // namespace sysmon::sim
