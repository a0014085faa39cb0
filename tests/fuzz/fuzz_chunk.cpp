// Any bytes as the ticks and a part of a chunk: samples or an error, never a crash. The checksums are put right
// first, or nothing behind them would be reached.
#include <cstdint>
#include <string>
#include <vector>

#include "core/store/bytes.hpp"
#include "sysmon/chunk.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sysmon;  // NOLINT(google-build-using-namespace)
  std::string payload(reinterpret_cast<const char*>(data), size);
  put_fixed(payload, checksum(payload));
  if (const Result<std::uint32_t> count = count_ticks(payload); count && *count <= 100'000)
    (void)unpack_ticks(payload);
  const Result<PartView> part = PartView::parse(payload);
  if (!part || part->ticks() > 100'000) return 0;
  std::vector<double> values;
  std::vector<std::uint32_t> places;
  for (const PartView::Entry& entry : part->series()) {
    entry.ticks.read(places);
    if (places.size() != entry.count) std::abort();
    (void)PartView::read(entry, values);
  }
  return 0;
}
