// Any bytes in the agent's small files: it starts with what they say or without, and what it writes there it reads again.
//
// The first byte says which file.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/agent_identity.hpp"
#include "core/spool/cursor.hpp"
#include "core/spool/quarantine.hpp"
#include "crash_files.hpp"
#include "sysmon/spool_view.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sysmon;  // NOLINT(google-build-using-namespace)
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  test::CrashFiles files;
  switch (data[0] % 3) {
    case 0: {
      files.put(kAgentIdFile, bytes);
      const auto random = [] { return std::uint64_t{7}; };
      const auto id = read_or_make_agent_id(files, random);
      const auto again = read_agent_id(files);
      if (!id || !again || *id != *again || id->size() != 36) std::abort();
      break;
    }
    case 1: {
      files.put(kCursorFile, bytes);
      Cursor cursor;
      cursor.recover(files);
      const CursorPosition next{7, 8, {}, 9};
      cursor.move(files, next);
      Cursor after;
      after.recover(files);
      if (after.position() != next) std::abort();
      break;
    }
    default: {
      files.put(kQuarantineFile, bytes);
      std::uint64_t sum = 0;
      const SpoolView view = view_spool(files);
      for (const SpoolView::Batch& batch : view.quarantined) sum += batch.at.bytes;
      for (const SpoolView::Place& place : view.damage) sum += place.bytes;
      if (sum != bytes.size()) std::abort();
    }
  }
  return 0;
}
