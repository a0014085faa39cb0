// Any bytes as a spool's folder: the agent starts, sends what is there, and what it appends is there after the next
// start. Never a crash, never a loop.
//
// flags | bytes of the first segment, 2 | a slot of the cursor, 56 (flag 4) | the two segments. Flag 1 puts the records'
// checksums right, flag 2 the cursor's: nothing behind them would be reached else.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/spool/crc32c.hpp"
#include "core/spool/cursor.hpp"
#include "core/spool/little_endian.hpp"
#include "core/spool/record.hpp"
#include "core/spool/segment_log.hpp"
#include "crash_files.hpp"
#include "sysmon/spool.hpp"
#include "sysmon/spool_view.hpp"
#include "virtual_clock.hpp"

namespace {

using namespace sysmon;        // NOLINT(google-build-using-namespace)
using namespace sysmon::test;  // NOLINT(google-build-using-namespace)

constexpr std::size_t kSlotBytes = 56;
constexpr std::string_view kCursorMagic{"\xF5SC\xFA", 4};

void put_u32(std::string& bytes, std::size_t at, std::uint32_t value) {
  std::string fixed;
  append_fixed(fixed, value);
  bytes.replace(at, fixed.size(), fixed);
}

void repair_records(std::string& bytes) {
  std::size_t at = find_magic(bytes, 0);
  while (at != std::string::npos && bytes.size() - at >= kRecordHeaderBytes) {
    const std::size_t room = bytes.size() - at - kRecordHeaderBytes;
    const std::size_t length = std::min<std::size_t>(fixed_at<std::uint32_t>(bytes, at + 4), room);
    put_u32(bytes, at + 4, static_cast<std::uint32_t>(length));
    const std::string_view record = std::string_view(bytes).substr(at, kRecordHeaderBytes + length);
    put_u32(bytes, at + 8, crc32c(record.substr(12), crc32c(record.substr(4, 4))));
    at = find_magic(bytes, at + record.size());
  }
}

void repair_slot(std::string& slot) {
  slot.resize(kSlotBytes);
  slot.replace(0, kCursorMagic.size(), kCursorMagic);
  put_u32(slot, 4, crc32c(std::string_view(slot).substr(8)));
}

std::string take(std::string_view& rest, std::size_t size) {
  std::string taken(rest.substr(0, size));
  rest.remove_prefix(taken.size());
  return taken;
}

void fill(CrashFiles& files, std::string_view rest) {
  const auto flags = static_cast<unsigned char>(rest.front());
  rest.remove_prefix(1);
  const std::string split = take(rest, 2);
  const std::size_t first_bytes = split.size() == 2 ? fixed_at<std::uint16_t>(split, 0) : 0;
  if ((flags & 4U) != 0) {
    std::string slot = take(rest, kSlotBytes);
    if ((flags & 2U) != 0) repair_slot(slot);
    files.put(kCursorFile, slot);
  }
  std::string first = take(rest, first_bytes);
  std::string second(rest);
  if ((flags & 1U) != 0) {
    repair_records(first);
    repair_records(second);
  }
  files.put(segment_name(1), first);
  files.put(segment_name(2), second);
}

void drain(Spool& spool) {
  std::vector<SpooledBatch> bundle;
  while (!spool.empty()) {
    const std::size_t before = spool.size();
    spool.bundle(UINT64_MAX, {}, bundle);
    if (bundle.empty()) std::abort();
    std::string bytes;
    if (!spool.read(bundle.front().id, bytes)) std::abort();  // recovery has read it just now
    spool.acknowledge(bundle);
    if (spool.size() >= before) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string mine(32, 'e');
  const Log quiet = [](LogLevel, std::string_view) {};
  const VirtualClock clock;
  CrashFiles files;
  fill(files, {reinterpret_cast<const char*>(data), size});
  const SpoolView view = view_spool(files);
  (void)to_json(view);

  std::size_t waiting = 0;
  std::size_t drops = 0;
  {
    Spool spool(files, clock, {}, quiet);
    waiting = spool.size();
    drops = spool.drops();
    if (view.waiting.size() != waiting || view.dropped.size() != drops) std::abort();
    spool.append(mine, 1, 3, "appended", false);
  }
  Spool again(files, clock, {}, quiet);
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const bool was_used = input.find(std::string(16, '\xee')) != std::string_view::npos;
  if (!was_used && (again.size() != waiting + 1 || again.newest().stream != mine)) std::abort();
  drain(again);
  return 0;
}
