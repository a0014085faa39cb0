// /proc/mdstat: software RAID arrays.
// https://raid.wiki.kernel.org/index.php/Mdstat
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sysmon/result.hpp"

namespace sysmon {

// From lines such as
//   md0 : active raid5 sdd1[3] sdc1[2](F) sdb1[1] sda1[0](S)
//         5860270080 blocks super 1.2 level 5, 512k chunk, algorithm 2 [3/2] [UU_]
//         [==>..................]  recovery = 12.6% (37043392/292945152) finish=127.5min speed=33440K/sec
struct MdArray {
  std::string name;
  bool is_active = false;     // false: not assembled, nothing can be read from it
  bool is_container = false;  // holds the metadata of other arrays (imsm, ddf) and is never active itself
  std::uint32_t slots = 0;    // disks it should have; 0 where it has no redundancy to lose (raid0, linear)
  std::uint32_t in_sync = 0;  // of them, those that hold all data
  std::uint32_t members = 0;  // devices listed, whatever they do
  std::uint32_t failed = 0;   // marked (F)
  std::uint32_t spare = 0;    // marked (S)
  std::optional<double> sync_percent;  // of a running resync, recovery, reshape or check

  friend bool operator==(const MdArray&, const MdArray&) = default;
};

// Appends every array. Error: malformed, with the line, when an array's line does not say active or inactive.
Result<void> parse_mdstat(std::string_view text, std::vector<MdArray>& out);

}  // namespace sysmon
